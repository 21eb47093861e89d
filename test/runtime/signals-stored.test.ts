/** Jobs that wait for a signal on a disk: over restarts, told by a process that runs none, with values of any size. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Schema } from "effect";
import { createInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import { afterAll, expect, it } from "vitest";
import { Catena, Pipeline, Step } from "../../src/index.ts";
import { statelyReplay } from "../../src/runtime/inspection.ts";
import { openAssets, openStore } from "../../src/runtime/open-stores.ts";
import { storedJobs } from "../../src/runtime/stored-jobs.ts";

const folder = await mkdtemp(join(tmpdir(), "catena-signals-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const Note = Schema.Struct({ text: Schema.String });
const asking = Pipeline.make("asking", { version: 1, input: Schema.String })
  .step(
    Step.signal("note", {
      input: Schema.String,
      output: Note,
      signal: {
        schema: Note,
        toOutput: ({ input, signal }) => ({ text: `${input}: ${signal.text}` }),
      },
      timeout: "3 days",
    }),
  )
  .output(Schema.Int, ({ outputs }) => outputs.note.text.length);

const options = (name: string) =>
  ({ pipelines: [asking], store: join(folder, name), lookEvery: "10 millis" }) as const;

/** A store with a job in it that waits and that nobody runs. */
const left = async (name: string): Promise<string> => {
  await using catena = await Catena.start(options(name));
  const job = await catena.submit(asking, "tea");
  const isWaiting = async () => (await job.state()).record.detail === "waiting";
  while (!(await isWaiting())) await new Promise((resolve) => setImmediate(resolve));
  return job.id;
};

it("goes on in the next process with what was left for it, however large that is", async () => {
  const id = await left("large.db");
  const text = "x".repeat(70_000);
  const places = { store: join(folder, "large.db") };
  const told = Effect.gen(function* () {
    const stored = storedJobs(yield* openStore(places), yield* openAssets(places));
    const sent = { jobId: id, path: "note", value: { text }, id: "click-1", by: "cli" };
    const answers = yield* Effect.all([stored.signal(sent), stored.signal(sent)], {
      concurrency: "unbounded",
    });
    const { entries } = yield* stored.state(id);
    return { answers, types: entries.map(({ type }) => type) };
  });
  const { answers, types } = await Effect.runPromise(Effect.scoped(told));
  expect(answers.filter(({ isNew }) => isNew)).toHaveLength(1);
  expect(types.at(-1)).toBe("SignalAwaited");

  await using catena = await Catena.start(options("large.db"));
  const job = await catena.job(asking, id);
  expect(await job.result()).toBe(text.length + "tea: ".length);
  expect(await job.signal("note", { text }, { idempotencyKey: "click-1" })).toEqual({
    isNew: false,
  });
  const { entries } = await job.state();
  const received = entries.filter((entry) => entry.type === "SignalReceived");
  expect(received).toMatchObject([{ value: { sizeBytes: expect.any(Number) }, id: "click-1" }]);
});

it("shows an inspector how long it waits, and nothing of what was sent", async () => {
  const id = await left("seen.db");
  await using catena = await Catena.start(options("seen.db"));
  const job = await catena.job(asking, id);
  await job.signal("note", { text: "not for everybody" }, { idempotencyKey: "a-private-key" });
  await job.result();
  const { entries } = await job.state();
  const sent: Array<StatelyInspectionEvent> = [];
  const inspector = createInspector({ send: (message) => sent.push(message) });
  statelyReplay(inspector, { jobId: id, pipeline: asking, entries });
  const text = JSON.stringify(sent);
  expect(text).toContain('"delayMs":259200000');
  expect(text).toContain('"type":"SignalReceived"');
  for (const hidden of ["not for everybody", "a-private-key"]) expect(text).not.toContain(hidden);
});

it("keeps nothing of a signal once the job is erased", async () => {
  const id = await left("erased.db");
  await using catena = await Catena.start(options("erased.db"));
  const job = await catena.job(asking, id);
  await job.signal("note", { text: "forget me" });
  await job.result();
  await catena.erase(id);
  await expect(job.signal("note", { text: "forget me" })).rejects.toThrow("it was erased on");
});
