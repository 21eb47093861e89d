/** What the sequencer of a job makes of its mail: pure, so that every order of arrival can be tried. */
import { describe, expect, it } from "vitest";
import { Schema } from "effect";
import { Pipeline, Step } from "../../../src/index.ts";
import { type JobSnapshot, makeDriver } from "../../../src/machines/advance.ts";
import type { JobContext } from "../../../src/machines/context.ts";
import type { Fact } from "../../../src/machines/entry.ts";
import {
  type Mail,
  type SequencerView,
  stage,
  withoutIntent,
} from "../../../src/runtime/jobs/job-sequencer.ts";
import { encodeFailure, ProviderFailure } from "../../../src/steps/failure.ts";

const never = () => {
  throw new Error("a sequencer runs no user function");
};
const first = Step.make("first", { input: Schema.String, output: Schema.String, run: never });
const model = Step.model("model", {
  input: Schema.String,
  output: Schema.String,
  model: "acme/model",
  request: never,
});
const pipeline = Pipeline.make("two", { version: 1, input: Schema.String })
  .step(first)
  .step(model)
  .output(Schema.String, never);
const driver = makeDriver(pipeline.plan);

const submit: Fact = {
  type: "JobSubmitted",
  pipeline: "two",
  version: 1,
  fingerprint: "f",
  input: { json: "x" },
};
const claim: Fact = { type: "Claimed", owner: "o", epoch: 1, isTakeover: false };
const begin: Fact = { type: "JobStarted" };
const start = (path = "first", attempt = 1): Fact => ({
  type: "StepStarted",
  path,
  attempt,
  round: 1,
  input: { entry: 1 },
});
const success = (path = "first", attempt = 1): Fact => ({
  type: "StepSucceeded",
  path,
  attempt,
  output: { json: "y" },
});
const failed: Fact = {
  type: "StepFailed",
  path: "first",
  attempt: 1,
  kind: "provider",
  failure: encodeFailure(
    new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" }),
  ),
};
const intent: Fact = {
  type: "PredictionIntended",
  path: "model",
  attempt: 1,
  call: 1,
  repair: 0,
  key: "key-1",
  provider: "acme",
  model: "acme/model",
  inputHash: "h",
  request: { json: {} },
  estimateMicros: 1,
  timeoutMs: 60_000,
};
const cancel: Fact = { type: "CancelRequested", by: "test" };
const pause: Fact = { type: "PauseRequested", by: "test" };
const resume: Fact = { type: "ResumeRequested", by: "test" };
const retry: Fact = { type: "RetryRequested", by: "test", isFresh: false };

const folded = (...facts: ReadonlyArray<Fact>): JobSnapshot =>
  driver.fold(facts.map((fact, index) => ({ ...fact, seq: index + 1, at: 0 })));

const running = [submit, claim, begin];

const token = Symbol("present");
const stale = Symbol("stopped");

const replies: Array<string> = [];
const from = (id: string, ...facts: ReadonlyArray<Fact>): Mail => ({
  facts,
  consumes: null,
  from: { id, token },
  reply: (answer) => replies.push(typeof answer === "string" ? answer : answer.budget),
});
const row = (consumes: string, ...facts: ReadonlyArray<Fact>): Mail => ({
  facts,
  consumes,
  from: null,
  reply: () => undefined,
});

const after = (before: ReadonlyArray<Fact>, mail: ReadonlyArray<Mail>) => {
  replies.length = 0;
  const view: SequencerView = {
    now: 1_000,
    jobId: "job",
    driver,
    snapshot: folded(...before),
    seq: before.length,
    isCurrent: (_, spoken) => spoken === token,
  };
  const staged = stage(mail, view);
  return {
    ...staged,
    types: staged.entries.map(({ type }) => type),
    started: staged.start.map(({ id }) => id),
    answer: () => {
      for (const reply of staged.replies) reply();
      return replies;
    },
  };
};

describe("the sequencer of a job", () => {
  it("gives facts their places in the order of arrival, without holes", () => {
    const staged = after(running, [from("first", start()), from("first", success())]);
    expect(staged.entries.map(({ seq, at }) => [seq, at])).toEqual([
      [4, 1_000],
      [5, 1_000],
    ]);
    expect(staged.started).toEqual(["model"]);
    expect(staged.stop).toEqual(["first"]);
  });

  it("answers a fact that does not fit with a refusal, and gives its place to the next", () => {
    const staged = after(running, [from("first", success("model")), from("first", start())]);
    expect(staged.types).toEqual(["StepStarted"]);
    expect(staged.entries[0]?.seq).toBe(4);
    expect(staged.answer()).toEqual(["refused", "appended"]);
  });

  it("does not say what was overtaken by what came before it", () => {
    const late = {
      ...from("first", start()),
      isDue: ({ steps }: JobContext) => steps["first"] === undefined,
    };
    const alone = after(running, [late]);
    expect([alone.types, alone.answer()]).toEqual([["StepStarted"], ["appended"]]);
    const second = after(running, [from("first", start()), late]);
    expect([second.types, second.answer()]).toEqual([["StepStarted"], ["appended", "overtaken"]]);
  });

  it("consumes a message whose facts no longer fit", () => {
    const staged = after(running, [row("m1", retry), row("m2", resume)]);
    expect(staged.types).toEqual([]);
    expect(staged.consumed).toEqual(["m1", "m2"]);
  });

  it("takes the same command twice as once", () => {
    const staged = after(running, [row("m1", pause), row("m2", pause)]);
    expect(staged.types).toEqual(["PauseRequested"]);
    expect(staged.consumed).toEqual(["m1", "m2"]);
  });

  it("does not hear a service that was stopped", () => {
    const old: Mail = { ...from("first", start()), from: { id: "first", token: stale } };
    const staged = after(running, [old]);
    expect(staged.types).toEqual([]);
    expect(staged.replies).toEqual([]);
  });

  it("does not hear a service that the same batch stopped before it spoke", () => {
    const staged = after([...running, start()], [row("m", cancel), from("first", success())]);
    expect(staged.types).toEqual(["CancelRequested"]);
    expect(staged.snapshot.value).toBe("cancelled");
    expect(staged.answer()).toEqual([]);
  });

  it("lets a success stand that came before the cancel, and never starts what would have followed", () => {
    const staged = after([...running, start()], [from("first", success()), row("m", cancel)]);
    expect(staged.types).toEqual(["StepSucceeded", "CancelRequested"]);
    expect(staged.snapshot.context.outputs).toEqual({ first: 5 });
    expect(staged.started).toEqual([]);
    expect(staged.stop).toContain("model");
  });

  it("starts a step once that failed and was retried in one batch", () => {
    const staged = after([...running, start()], [from("first", failed), row("m", retry)]);
    expect(staged.types).toEqual(["StepFailed", "RetryRequested"]);
    expect(staged.started).toEqual(["first"]);
    expect(staged.snapshot.context.steps["first"]).toMatchObject({ attempt: 1, round: 2 });
  });

  it("starts nothing where the retry is cancelled in the same batch", () => {
    const mail = [from("first", failed), row("m1", retry), row("m2", cancel)];
    const staged = after([...running, start()], mail);
    expect(staged.snapshot.value).toBe("cancelled");
    expect(staged.started).toEqual([]);
  });

  describe("while the job is paused", () => {
    it("holds new attempts and intents, and lets results through", () => {
      const held = after([...running, pause], [from("first", start())]);
      expect(held.types).toEqual([]);
      expect(held.held).toHaveLength(1);
      expect(held.answer()).toEqual([]);
      const result = after([...running, start(), pause], [from("first", success())]);
      expect(result.types).toEqual(["StepSucceeded"]);
      expect(result.started).toEqual(["model"]);
    });

    it("holds a pause's own batch from the pause on", () => {
      const staged = after(running, [row("m", pause), from("first", start())]);
      expect(staged.types).toEqual(["PauseRequested"]);
      expect(staged.held).toHaveLength(1);
    });

    it("never puts a result before its held start", () => {
      const staged = after([...running, pause], [from("first", start()), from("first", success())]);
      expect(staged.types).toEqual([]);
      expect(staged.held.map(({ facts }) => facts[0]?.type)).toEqual([
        "StepStarted",
        "StepSucceeded",
      ]);
    });

    it("looks at what it held again, in its order, once the job is resumed", () => {
      const mail = [from("first", start()), from("first", success())];
      const resumed = after([...running, pause, resume], mail);
      expect(resumed.types).toEqual(["StepStarted", "StepSucceeded"]);
      const same = after([...running, pause], [...mail, row("m", resume)]);
      expect(same.types).toEqual(["ResumeRequested"]);
      expect(same.held).toHaveLength(2);
    });

    it("drops what it held of a service that a cancel stops", () => {
      const first = after([...running, pause], [from("first", start()), row("m", cancel)]);
      expect(first.types).toEqual(["CancelRequested"]);
      const old = first.held.map(
        (mail): Mail => ({ ...mail, from: { id: "first", token: stale } }),
      );
      expect(after([...running, pause, cancel], old).types).toEqual([]);
    });
  });

  describe("in the ledger", () => {
    const calling = [...running, start(), success(), start("model"), intent];

    it("writes a row with every intent", () => {
      const staged = after(calling.slice(0, -1), [from("model", intent)]);
      expect(staged.ledger).toMatchObject([
        { type: "intend", row: { key: "key-1", jobId: "job", state: "intended", path: "model" } },
      ]);
    });

    it("asks for the remote end with the cancel, once", () => {
      const staged = after(calling, [row("m1", cancel), row("m2", cancel)]);
      expect(staged.ledger).toEqual([{ type: "requestCancel", key: "key-1", at: 1_000 }]);
      expect(staged.cancels.map(({ key }) => key)).toEqual(["key-1"]);
      expect(staged.started).toEqual(["(cancelling)"]);
    });

    it("asks for nothing where the machine refused the fact", () => {
      const timedOut: Fact = {
        type: "AttemptTimedOut",
        path: "model",
        attempt: 1,
        key: "another",
        timeoutMs: 1,
        awaited: "attempt",
      };
      expect(after(calling, [from("model", timedOut)]).ledger).toEqual([]);
    });
  });
});

describe("an intent that is over a budget", () => {
  const over = {
    type: "OverBudget",
    key: "key-1",
    budget: "day",
    limitMicros: 1,
    reservedMicros: 1,
    spentMicros: 0,
    estimateMicros: 1,
  } as const;

  it("goes back to who asked, and what came along with it stays", () => {
    replies.length = 0;
    const said = row("message-1", pause);
    const rest = withoutIntent([said, from("model", intent), from("first", success())], over);
    expect(rest.map(({ facts }) => facts[0]?.type)).toEqual(["PauseRequested", "StepSucceeded"]);
    expect(rest[0]?.consumes).toBe("message-1");
    expect(replies).toEqual(["day"]);
  });

  it("that nobody asked for is a bug of the store", () => {
    expect(() => withoutIntent([row("message-1", pause)], over)).toThrow(
      "nobody asked for the intent key-1",
    );
  });
});
