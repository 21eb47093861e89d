/** Unit tests of pipelines as users write them: answers by step, time that jumps, everything to look at after. */
import { Effect, Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Asset, Pipeline, Step, Steps, ValidationFailure } from "../../src/index.ts";
import {
  Answer,
  checkPipeline,
  inputsOf,
  paths,
  testCatena,
  TestStuck,
} from "../../src/testing.ts";
import { article } from "./three-steps.ts";
import { shop } from "./waiting-shop.ts";

/** What it is given is a file, and so is what a function of it answers. */
const minutes = Pipeline.make("minutes", {
  version: 1,
  input: Schema.Struct({ at: Schema.Date, recording: Asset.Audio }),
})
  .step(
    Step.make("trim", { input: Asset.Audio, output: Asset.Audio, run: (file) => file }),
    ({ input }) => input.recording,
  )
  .step(Steps.transcribe("transcribe", { model: "acme/whisper" }))
  .output(Schema.String, ({ last }) => last);

const idea = { title: "Chains" };

describe("a test's Catena", () => {
  test("answers by step name and shows outcome, journal and ledger", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: { draft: idea, polish: "Chains, polished" },
    });
    const { outcome, journal, ledger } = await t.run(article, "chains");
    expect(outcome).toEqual({ status: "complete", output: "published: Chains, polished" });
    expect(journal.at(-1)?.type).toBe("JobCompleted");
    expect(ledger.map(({ path, state }) => [path, state])).toEqual([
      ["draft", "settled"],
      ["polish", "settled"],
    ]);
  });

  test("answers by model name, and makes up what it was not told", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: {
        "acme/editor": (request: { readonly prompt?: unknown }) => `on ${String(request.prompt)}`,
      },
    });
    const { outcome } = await t.run(article, "chains");
    expect(outcome).toMatchObject({
      status: "complete",
      output: expect.stringMatching(/^published: on /),
    });
  });

  test("refuses answers for a step that is not there: it would be given to nobody", async () => {
    const misspelt = { pipelines: [article], answers: { drafft: idea } } as const;
    await expect(testCatena(misspelt)).rejects.toThrow(
      "answers: expected one of draft, acme/writer, polish, acme/editor, got 'drafft'",
    );
    const options = { pipelines: [article], answer: {} } as const;
    await expect(testCatena(options)).rejects.toThrow("got 'answer'");
  });

  test("gives jobs files that are there where an input names files", async () => {
    const inputs = inputsOf(minutes, { seed: 3, count: 2 });
    await using t = await testCatena({ pipelines: [minutes], answers: { transcribe: "hello" } });
    for (const input of inputs) {
      expect(input.recording.contentType).toMatch(/^audio\//);
      expect((await t.run(minutes, input)).outcome).toMatchObject({ status: "complete" });
    }
  });

  test("jumps over a rate limit and finds a lost prediction without paying twice", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: {
        draft: Answer.sequence(Answer.rateLimited("5 minutes"), Answer.lost(), idea),
        polish: "done",
      },
    });
    const { outcome, journal, ledger, tookMs } = await t.run(article, "chains");
    expect(outcome.status).toBe("complete");
    expect(tookMs).toBeGreaterThan(300_000);
    expect(journal.map(({ type }) => type)).toContain("PredictionUnknown");
    expect(ledger.map(({ state }) => state)).toEqual(["rejected", "settled", "settled"]);
  });

  test("asks again where an output does not decode", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: {
        draft: (_: unknown, attempt: number) => (attempt === 1 ? "no JSON" : idea),
        polish: "done",
      },
    });
    const { outcome, journal } = await t.run(article, "chains");
    expect(outcome.status).toBe("complete");
    expect(journal.filter(({ type }) => type === "OutputRejected")).toHaveLength(1);
  });

  test("shows a failure with its kind, and goes on after a retry", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: { draft: idea, polish: Answer.sequence(Answer.fail("out of paper"), "done") },
    });
    const job = await t.submit(article, "chains");
    const failed = await job.rested();
    expect(failed.outcome).toMatchObject({ status: "failed", step: "polish", kind: "provider" });
    await job.retry();
    expect((await job.rested()).outcome.status).toBe("complete");
  });

  test("lets an attempt run out of its time", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: { draft: idea, polish: Answer.timeout() },
    });
    const { outcome, tookMs } = await t.run(article, "chains");
    expect(outcome).toMatchObject({ status: "failed", kind: "timeout" });
    expect(tookMs).toBeGreaterThanOrEqual(600_000);
  });

  test("cancels a job while it runs", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: { draft: Answer.timeout() },
    });
    const job = await t.submit(article, "chains");
    await job.cancel();
    expect((await job.rested()).outcome).toEqual({ status: "cancelled" });
  });

  test("refuses an input as the real one does", async () => {
    await using t = await testCatena({ pipelines: [article] });
    await expect(t.run(article, "")).rejects.toBeInstanceOf(ValidationFailure);
  });

  test("says what a job waits for that nobody will ever give it", async () => {
    await using t = await testCatena({
      pipelines: [article],
      answers: { draft: idea, polish: Answer.lost({ isCreated: false }) },
    });
    await expect(t.run(article, "chains")).rejects.toThrow(TestStuck);
  });

  test("waits for steps that do real work, and jumps over their virtual sleep", async () => {
    const slow = Step.make("slow", {
      input: Schema.String,
      output: Schema.String,
      run: (text) =>
        Effect.sleep("1 hour").pipe(
          Effect.andThen(Effect.promise(() => new Promise((done) => setImmediate(done)))),
          Effect.as(`${text}!`),
        ),
      timeout: "2 hours",
    });
    const patient = Pipeline.make("patient", { version: 1, input: Schema.String })
      .step(slow)
      .output(Schema.String, ({ last }) => last);
    await using t = await testCatena({ pipelines: [patient] });
    const { outcome, tookMs } = await t.run(patient, "on");
    expect(outcome).toEqual({ status: "complete", output: "on!" });
    expect(tookMs).toBe(3_600_000);
  });
});

describe("a job that waits for signals", () => {
  test("is sent them, also before it is there", async () => {
    await using t = await testCatena({ pipelines: [shop], answers: { write: { text: "x" } } });
    const job = await t.submit(shop, "tea");
    expect(await job.signal("review", { approved: true })).toEqual({ isNew: true });
    await expect(job.signal("pricing", { cents: 1.5 })).rejects.toBeInstanceOf(ValidationFailure);
    await job.signal("pricing", { cents: 5 });
    const { outcome } = await job.rested();
    expect(outcome).toEqual({ status: "complete", output: "x" });
  });

  test("fails once its time is over, and says what it waits for where that has no end", async () => {
    await using t = await testCatena({ pipelines: [shop] });
    const job = await t.submit(shop, "tea");
    await expect(job.rested()).rejects.toThrow("waiting for signal pricing");
    await job.signal("pricing", { cents: 5 });
    const { outcome, tookMs } = await job.rested();
    expect(outcome).toMatchObject({ status: "failed", step: "review", kind: "timeout" });
    expect(tookMs).toBeGreaterThanOrEqual(3 * 86_400_000);
  });
});

test("the same seed makes the same inputs, and another seed others", () => {
  const inputs = inputsOf(article, { seed: 5, count: 20 });
  expect(inputs).toHaveLength(20);
  expect(inputsOf(article, { seed: 5, count: 20 })).toEqual(inputs);
  expect(inputsOf(article, { seed: 6, count: 20 })).not.toEqual(inputs);
});

test("a sound pipeline has no finding that is an error", () => {
  expect(checkPipeline(article).filter(({ severity }) => severity === "error")).toEqual([]);
});

test("paths of a pipeline that is given a file, also where a function that answers one does not run", async () => {
  for (const suite of [paths(minutes), paths(minutes, { replace: ["trim"] })]) {
    for (const path of suite) await path.run();
    expect(suite.uncovered()).toEqual([]);
  }
});

test("paths refuse names that are not there", () => {
  expect(() => paths(minutes, { replace: ["trimm"] })).toThrow(
    "replace: expected one of trim, got 'trimm'",
  );
  expect(() => paths(minutes, { answers: { trimm: {} } })).toThrow("one of trim, transcribe");
});
