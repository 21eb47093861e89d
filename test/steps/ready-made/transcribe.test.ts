/** Speech models answer in many forms; what comes out is text, or one form of transcript. */
import { describe, expect, test } from "vitest";
import { Schema } from "effect";
import { Steps } from "../../../src/index.ts";
import { runOnFile, scripted } from "./alone.ts";

const model = "listeners/small";
const words = Steps.transcribe("listen", { model });
const timed = Steps.transcribe("listen", { model, output: Steps.Transcript });

const whisper = {
  transcription: " Call me back. Thanks.",
  detected_language: "english",
  translation: null,
  segments: [
    { id: 0, start: 0, end: 1.5, text: " Call me back.", temperature: 0 },
    { id: 1, start: 1.5, end: 2, text: " Thanks.", temperature: 0 },
  ],
};
const fastWhisper = {
  text: " Call me back.",
  chunks: [{ text: " Call me back.", timestamp: [0, null] }],
};
const whisperX = {
  detected_language: "en",
  segments: whisper.segments.map(({ start, end, text }) => ({ start, end, text })),
};

describe("the words of a recording", () => {
  test.for([
    ["text", "Call me back. Thanks."],
    ["Whisper", whisper],
    ["WhisperX", whisperX],
    ["an own transcript", { text: "Call me back. Thanks.", segments: [] }],
  ] as const)("are read from %s", async ([, answer]) => {
    const { outcome } = await runOnFile("audio", words, { listen: answer });
    expect(outcome).toEqual({ status: "complete", output: "Call me back. Thanks." });
  });

  test("go out as a file, with fields of the model's own", async () => {
    const { requests, answer } = scripted("words");
    const step = Steps.transcribe("listen", { model, request: { language: "en" } });
    await runOnFile("audio", step, { listen: answer });
    expect(requests).toEqual([
      { audio: expect.stringMatching(/^data:audio\/mpeg;base64,/), language: "en" },
    ]);
  });

  test.for(["", " ", { text: "" }, { segments: [] }, {}, null, 7, { text: 7 }])(
    "are never made up: %j is refused",
    async (answer) => {
      const { outcome } = await runOnFile("audio", words, { listen: () => answer });
      expect(outcome).toMatchObject({ status: "failed", kind: "validation" });
    },
  );

  test("are not looked for in a picture", async () => {
    const { outcome } = await runOnFile("image", words, { listen: "words" });
    expect(outcome).toMatchObject({ kind: "validation", failure: { at: "input" } });
  });
});

describe("a transcript", () => {
  test("has the times of Whisper's segments", async () => {
    const { outcome } = await runOnFile("audio", timed, { listen: whisper });
    expect(outcome).toEqual({
      status: "complete",
      output: {
        text: "Call me back. Thanks.",
        language: "english",
        segments: [
          { startSeconds: 0, endSeconds: 1.5, text: " Call me back." },
          { startSeconds: 1.5, endSeconds: 2, text: " Thanks." },
        ],
      },
    });
  });

  test("has those of chunks, of which the last may have no end", async () => {
    const { outcome } = await runOnFile("audio", timed, { listen: fastWhisper });
    expect(outcome).toMatchObject({
      output: { segments: [{ startSeconds: 0, endSeconds: 0, text: " Call me back." }] },
    });
  });

  test("is refused where a model answers no times", async () => {
    const { outcome } = await runOnFile("audio", timed, { listen: { text: "words" } });
    expect(outcome).toMatchObject({
      kind: "validation",
      failure: { at: "output", issues: [{ message: expect.stringContaining("segments") }] },
    });
  });

  test("can be read into a schema of one's own", async () => {
    const Length = Schema.Struct({
      segments: Schema.Array(Schema.Struct({ endSeconds: Schema.Finite })),
    });
    const step = Steps.transcribe("listen", { model, output: Length });
    const { outcome } = await runOnFile("audio", step, { listen: whisper });
    expect(outcome).toMatchObject({
      output: { segments: [{ endSeconds: 1.5 }, { endSeconds: 2 }] },
    });
  });
});
