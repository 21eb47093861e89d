/** A recorded call becomes one note in the CRM, whatever happens on the way. */
import { afterAll, describe, expect, test } from "vitest";
import { callNotes } from "../../examples/speech-to-crm.ts";
import { Answer, paths, testCatena } from "../../src/testing.ts";
import { recordingServer } from "../steps/ready-made/recording-server.ts";

const server = await recordingServer(({ method }) =>
  method === "GET"
    ? { headers: { "content-type": "audio/mpeg" }, body: Buffer.from("ID3 a call") }
    : { status: 201, body: { id: "note-1" } },
);
afterAll(() => server[Symbol.asyncDispose]());

const crm = { url: server.origin, token: "crm-token-of-this-test" };
const note = { summary: "She wants it back.", tasks: ["call back"], mood: "unhappy" };
const call = { contact: "ann/7", recording_url: `${server.origin}/call.mp3` };

test("what was said is summarised and lies at the contact", async () => {
  const pipeline = callNotes(crm);
  await using t = await testCatena({
    pipelines: [pipeline],
    answers: {
      transcribe: { transcription: "I want it back.", segments: [] },
      summarise: Answer.sequence("She wants it back.", note),
    },
  });
  const { outcome, ledger, journal } = await t.run(pipeline, call);
  expect(outcome).toEqual({
    status: "complete",
    output: { note_id: "note-1", mood: "unhappy", tasks: ["call back"] },
  });
  expect(ledger.map(({ path }) => path)).toEqual(["transcribe", "summarise", "summarise"]);
  expect(server.received.at(-1)).toMatchObject({
    method: "POST",
    path: "/contacts/ann%2F7/notes",
    headers: { authorization: "Bearer crm-token-of-this-test" },
    body: JSON.stringify(note),
  });
  expect(JSON.stringify(journal)).not.toContain("crm-token-of-this-test");
});

describe("on every path it keeps its promises, and asks the CRM under one key a job:", () => {
  const suite = paths(callNotes(crm), { input: call });
  for (const path of suite)
    test(path.name, async () => {
      const before = server.received.length;
      await path.run();
      const keys = server.received.slice(before).map(({ headers }) => headers["idempotency-key"]);
      expect(new Set(keys.filter((key) => key !== undefined)).size).toBeLessThanOrEqual(1);
    });
  test("no transition is left untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
});
