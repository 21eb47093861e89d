/** Jobs on Stately's inspector: in order, in another process, without what is nobody's business. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import { Schema } from "effect";
import { describe, expect, onTestFinished, test } from "vitest";
import { Catena, Functions, Pipeline, Step } from "../../src/index.ts";
import { statelyInspection, statelyReplay } from "../../src/runtime/inspection.ts";
import type { Observation } from "../../src/runtime/jobs/job-host.ts";

const viewerPath = fileURLToPath(new URL("inspection/viewer.ts", import.meta.url));

const secret = "the launch is on Friday";
const answer = "a headline nobody has seen yet";

const request = { type: "object", properties: { prompt: { type: "string" } } } as const;
const concept = Step.model("concept", {
  input: Schema.String,
  output: Schema.String,
  model: "writer",
  request: (topic) => ({ prompt: topic }),
});
const shout = Step.make("shout", {
  input: Schema.String,
  output: Schema.String,
  run: (text) => text.toUpperCase(),
});
const pipeline = Pipeline.make("poster", { version: 1, input: Schema.String })
  .step(concept)
  .step(shout)
  .output(Schema.String, ({ last }) => last);

const states = [
  "pending",
  "pending",
  "pending",
  "running.concept.active",
  "running.concept.active",
  "running.concept.active",
  "running.concept.waiting",
  "running.concept.active",
  "running.shout.active",
  "running.shout.active",
  "running.(output)",
  "complete",
];

/** Runs one job to its end under the inspection, and answers what is in its journal. */
const runJob = async (inspect: (observation: Observation) => void) => {
  await using catena = await Catena.start({
    pipelines: [pipeline],
    models: Functions.client({ models: { writer: { input: request, run: () => answer } } }),
    pollEvery: "1 milli",
    inspect,
  });
  const job = await catena.submit(pipeline, secret);
  expect(await job.result()).toBe(answer.toUpperCase());
  return { jobId: job.id, ...(await job.state()) };
};

/** An inspector that keeps what it would send. */
const keepingInspector = () => {
  const sent: Array<StatelyInspectionEvent> = [];
  const inspector = createInspector({ send: (message) => sent.push(message) });
  return { inspector, sent };
};

const statesIn = (sent: ReadonlyArray<StatelyInspectionEvent>) =>
  sent.flatMap((message) => {
    if (message.type === "@xstate.event" || !("value" in message.snapshot)) return [];
    const value: unknown = message.snapshot.value;
    return [value];
  });

describe("a live job", () => {
  test("shows its states in order in the process that receives them", async () => {
    const viewer = fork(viewerPath, { silent: true });
    onTestFinished(() => {
      viewer.kill();
    });
    const printed: Array<string> = [];
    viewer.stdout?.setEncoding("utf8").on("data", (text: string) => printed.push(text));
    const errors: Array<string> = [];
    viewer.stderr?.setEncoding("utf8").on("data", (text: string) => errors.push(text));
    const inspector = createInspector({
      send: (message) => {
        viewer.send(JSON.parse(JSON.stringify(message)));
      },
    });
    const { jobId } = await runJob(statelyInspection(inspector, { processId: "p1" }));
    viewer.send("end");
    const [code] = await once(viewer, "close");
    expect([code, errors.join("")]).toEqual([0, ""]);
    const lines = printed.join("").trimEnd().split("\n");
    expect(lines).toEqual([`registered p1-${jobId} with its machine`, ...states]);
  });

  test("shows neither payloads nor the keys of intents", async () => {
    const { inspector, sent } = keepingInspector();
    const { entries } = await runJob(statelyInspection(inspector));
    const text = JSON.stringify(sent);
    const keys = entries.flatMap((entry) =>
      entry.type === "PredictionIntended" ? [entry.key] : [],
    );
    expect(keys).toHaveLength(1);
    for (const hidden of [secret, answer, answer.toUpperCase(), ...keys])
      expect(text).not.toContain(hidden);
    expect(text).toContain('"input":"[34 bytes]"');
    expect(text).toMatch(/"key":"intent-[0-9a-f]{8}"/);
  });

  test("shows payloads where asked to, keys never, and the user's own redaction has the last word", async () => {
    const { inspector, sent } = keepingInspector();
    const redact = (json: Schema.Json) =>
      Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Json))(
        JSON.stringify(json).replaceAll("Friday", "some day"),
      );
    const { entries } = await runJob(statelyInspection(inspector, { payloads: "shown", redact }));
    const text = JSON.stringify(sent);
    expect(text).toContain("the launch is on some day");
    expect(text).toContain(answer);
    expect(text).not.toContain("Friday");
    for (const entry of entries)
      if (entry.type === "PredictionIntended") expect(text).not.toContain(entry.key);
  });

  test("is registered once more for a viewer who came late, and only while it does not rest", async () => {
    const { inspector, sent } = keepingInspector();
    const inspection = statelyInspection(inspector, { processId: "p1" });
    const late: Array<unknown> = [];
    await runJob((observation) => {
      inspection(observation);
      const before = sent.length;
      inspection.resend();
      late.push(sent.splice(before).map(({ type, sessionId }) => [type, sessionId]));
    });
    const [first = [], ...others] = late;
    expect(first).toEqual([["@xstate.actor", expect.stringMatching(/^p1-/)]]);
    expect(others.at(-1)).toEqual([]);
  });

  test("that is first seen in its middle begins as it is then", async () => {
    const seen: Array<Observation> = [];
    await runJob((observation) => seen.push(observation));
    const { inspector, sent } = keepingInspector();
    const inspect = statelyInspection(inspector);
    for (const observation of seen.slice(3)) inspect(observation);
    const shown = statesIn(sent);
    expect(shown[0]).toEqual(seen[3]?.snapshot.value);
    expect(shown.at(-1)).toBe("complete");
    expect(sent.filter(({ type }) => type === "@xstate.actor")).toHaveLength(1);
  });
});

describe("a past job", () => {
  test("is shown as it was when it was live", async () => {
    const live = keepingInspector();
    const { jobId, entries } = await runJob(statelyInspection(live.inspector, { processId: "p" }));
    const past = keepingInspector();
    statelyReplay(past.inspector, { jobId, pipeline, entries }, { processId: "p" });
    const timeless = (sent: ReadonlyArray<StatelyInspectionEvent>) =>
      sent.map((message) => ({ ...message, createdAt: "", id: "" }));
    expect(timeless(past.sent)).toEqual(timeless(live.sent));
  });
});
