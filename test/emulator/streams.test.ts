/** Server-sent events as they are on the wire. */
import { describe, expect, test } from "vitest";
import type { Emulator, Outcome } from "../../emulator/src/emulator.ts";
import {
  call,
  createConcept,
  eventually,
  finished,
  FLUX,
  instantEmulator,
  post,
  type WirePrediction,
} from "./emulator-client.ts";

interface Reading {
  /** What arrived so far. */
  readonly text: () => string;
  /** Resolves when the server ended the stream, rejects when it broke it. */
  readonly ended: Promise<void>;
}

/** Reads a stream without a token, as the official client does. */
async function read(url: string | undefined): Promise<Reading> {
  const response = await fetch(String(url), { headers: { accept: "text/event-stream" } });
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
  expect(response.headers.get("content-type")).toContain("text/event-stream");
  let text = "";
  const decoder = new TextDecoder();
  const drain = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    for await (const part of body) text += decoder.decode(part, { stream: true });
  };
  const ended = drain(response.body);
  ended.catch(() => undefined);
  return { text: () => text, ended };
}

function streamOf(prediction: WirePrediction): string | undefined {
  return (prediction.urls as { readonly stream?: string }).stream;
}

function withOutcome(outcome: Outcome): Promise<Emulator> {
  const rule = { match: { operation: "create" }, fault: { type: "outcome", outcome } } as const;
  return instantEmulator({ faults: [rule] });
}

const OUTPUT = ["Once", " upon\n\r\na time", ""];

describe("text", () => {
  test("each part is an event with an id, lines of it are lines of data, done is empty", async () => {
    const emulator = await withOutcome({ kind: "output", output: OUTPUT });
    const created = await createConcept(emulator);
    const done = await finished(emulator, created.id);
    const reading = await read(streamOf(created));
    const id = Math.floor(Date.parse(String(Reflect.get(done, "started_at"))) / 1_000);
    await eventually(reading.text).toBe(
      `event: output\nid: ${id}:0\ndata: Once\n\nevent: output\nid: ${id}:1\ndata:  upon\ndata: \ndata: a time\n\nevent: output\nid: ${id}:2\ndata: \n\nevent: done\ndata: {}\n\n`,
    );
  });

  test("a test writes it part by part, and what was written is not the end", async () => {
    const emulator = await withOutcome({ kind: "hang" });
    const created = await createConcept(emulator);
    const reading = await read(streamOf(created));
    const write = (parts: readonly string[]) =>
      post(emulator, `/emulator/predictions/${created.id}/write`, { parts });
    await write(["Once"]);
    await eventually(reading.text).toMatch(/^event: output\nid: \d+:0\ndata: Once\n\n$/u);
    const answer = await write([" upon", " a time"]);
    expect(await answer.json()).toMatchObject({
      status: "processing",
      output: ["Once", " upon", " a time"],
    });
    await eventually(reading.text).toMatch(/data: {2}upon\n\n.*:2\ndata: {2}a time\n\n$/su);
  });

  test("a failure is an error and a done with its reason", async () => {
    const emulator = await withOutcome({ kind: "failed", error: "Something went wrong" });
    const reading = await read(streamOf(await createConcept(emulator)));
    await eventually(reading.text).toBe(
      'event: error\ndata: {"detail":"Something went wrong"}\n\nevent: done\ndata: {"reason":"error"}\n\n',
    );
  });

  test("a cancel ends what had not come to its end", async () => {
    const emulator = await withOutcome({ kind: "hang" });
    const created = await createConcept(emulator);
    const reading = await read(streamOf(created));
    await post(emulator, `/v1/predictions/${created.id}/cancel`, {});
    await eventually(reading.text).toBe('event: done\ndata: {"reason":"canceled"}\n\n');
  });

  test("whoever connects while it waits gets what comes, whoever connects later gets all", async () => {
    const emulator = await instantEmulator({ bootMs: 3_600_000 });
    const created = await createConcept(emulator);
    const early = await read(streamOf(created));
    await emulator.advance(10_000);
    const late = await read(streamOf(created));
    expect(early.text()).toBe("");
    await post(emulator, `/emulator/predictions/${created.id}/settle`, {
      status: "succeeded",
      output: ["a", "b"],
    });
    await eventually(early.text).toContain("event: done");
    await eventually(late.text).toBe(early.text());
  });
});

describe("files", () => {
  test("each file is an event with the file itself", async () => {
    const emulator = await instantEmulator();
    const response = await post(emulator, `/v1/models/${FLUX}/predictions`, {
      input: { prompt: "x" },
    });
    const created = (await response.json()) as WirePrediction;
    expect(streamOf(created)).toContain("/v1/files/bcwr-");
    const reading = await read(streamOf(created));
    await eventually(reading.text).toMatch(
      /^event: output\nid: \d+:0\ndata: data:image\/png;base64,[\w+/=]+\n\nevent: done\ndata: \{\}\n\n$/u,
    );
  });
});

describe("the end of a stream", () => {
  test("done does not close it, 30 s without an event do, with a comment", async () => {
    const emulator = await withOutcome({ kind: "output", output: [] });
    const reading = await read(streamOf(await createConcept(emulator)));
    await eventually(reading.text).toBe("event: done\ndata: {}\n\n");
    await emulator.advance(29_000);
    expect(reading.text()).not.toContain("408");
    await emulator.advance(1_000);
    await reading.ended;
    expect(reading.text()).toBe("event: done\ndata: {}\n\n:408: 408 Request Timeout\n\n");
  });

  test("after the hour there is nothing to send but that comment", async () => {
    const emulator = await instantEmulator();
    const created = await createConcept(emulator);
    await finished(emulator, created.id);
    await emulator.advance(3_600_000);
    const reading = await read(streamOf(created));
    await emulator.advance(30_000);
    await reading.ended;
    expect(reading.text()).toBe(":408: 408 Request Timeout\n\n");
  });

  test("a fault plan breaks it in the middle, and the next reader gets it whole", async () => {
    const emulator = await withOutcome({ kind: "output", output: OUTPUT });
    emulator.plan([
      {
        match: { operation: "create" },
        fault: { type: "outcome", outcome: { kind: "output", output: OUTPUT } },
      },
      {
        match: { operation: "stream", nth: 1 },
        fault: { type: "broken-stream", afterEvents: 1 },
      },
    ]);
    const created = await createConcept(emulator);
    const broken = await read(streamOf(created));
    await expect(broken.ended).rejects.toThrow("terminated");
    expect(broken.text().split("\n\n")).toHaveLength(2);
    const whole = await read(streamOf(created));
    await eventually(whole.text).toContain("event: done");
  });

  test("an unknown stream is 404, and a stream's address is no file", async () => {
    const emulator = await instantEmulator();
    for (const path of ["/v1/streams/nope", "/v1/files/bcwr-nope"])
      expect((await call(emulator, path)).status).toBe(404);
  });

  test("a reader that left holds nothing up", async () => {
    const emulator = await instantEmulator({ bootMs: 3_600_000 });
    const created = await createConcept(emulator);
    const gone = new AbortController();
    const response = await fetch(String(streamOf(created)), { signal: gone.signal });
    expect(response.status).toBe(200);
    gone.abort();
    await emulator.stop();
  });
});
