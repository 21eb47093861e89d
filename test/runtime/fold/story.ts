/** One job's story under the test clock: what the model, the provider and the user do, told in advance. */
import { Effect, Schema } from "effect";
import { TestClock } from "effect/testing";
import {
  Functions,
  Pipeline,
  PolicyFailure,
  ProviderFailure,
  Retry,
  Step,
} from "../../../src/index.ts";
import type { Entry, Fact } from "../../../src/machines/entry.ts";
import { keyOf, makeEngine } from "../../../src/runtime/engine.ts";
import type { Observation } from "../../../src/runtime/jobs/job-host.ts";
import type { JobStatus } from "../../../src/runtime/journal-store.ts";
import { MemoryJournals, MemoryJournalStore } from "../../../src/runtime/journal-stores/memory.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";
import { optionsFor } from "../prefix-resume/life.ts";

/** What the model does at each call, the last one for ever: text, an error, or nothing at all. */
export type Answer = { readonly text: string } | { readonly error: string } | "silence";

export interface Story {
  readonly answers?: readonly [Answer, ...ReadonlyArray<Answer>];
  /** What the second step's function throws at its first call, if anything. */
  readonly throws?: Error;
  /** What stands between the engine and the provider. */
  readonly line?: (client: ModelClient) => ModelClient;
  /** What the user asks for once an entry of that type has been written for the first time. */
  readonly asks?: { readonly [Type in Entry["type"]]?: Fact };
  /** An equal job was done before, whose answer may be used again. */
  readonly isSecond?: boolean;
  /** Before anything else somebody has to confirm what is asked for. */
  readonly isConfirmed?: boolean;
  readonly ends: JobStatus;
}

export interface Told {
  readonly entries: ReadonlyArray<Entry>;
  readonly observations: ReadonlyArray<Observation>;
}

const Idea = Schema.Struct({ headline: Schema.String });
export const good: Answer = { text: JSON.stringify({ headline: "Meet it." }) };

export class Passing extends Error {}

const confirm = Step.signal("confirm", {
  input: Schema.String,
  output: Schema.String,
  timeout: "1 hour",
});

const pipelineOf = (story: Story) => {
  const pipeline = confirmedOf(story);
  if (story.isConfirmed !== true) return pipeline;
  const node = { kind: "step", path: confirm.name, step: confirm, mapper: undefined } as const;
  const { plan } = pipeline;
  return { ...pipeline, plan: { ...plan, nodes: [node, ...plan.nodes] } };
};

const confirmedOf = ({ throws, isSecond }: Story) => {
  let calls = 0;
  return Pipeline.make("story", { version: 1, input: Schema.String })
    .step(
      Step.model("ask", {
        input: Schema.String,
        output: Idea,
        model: "writer",
        request: (topic) => ({ prompt: topic }),
        refuse: ({ output }) =>
          output.headline === "rude" ? new PolicyFailure({ rule: "manners" }) : undefined,
        timeout: "60 seconds",
        retry: Retry.fixed({ attempts: 2, delayMs: 1_000 }),
        repair: 1,
        ...(isSecond === true ? { reuse: "1 hour" } : {}),
      }),
    )
    .step(
      Step.make("keep", {
        input: Schema.String,
        output: Schema.String,
        fails: ["provider"],
        run: (headline) => {
          calls += 1;
          if (calls === 1 && throws !== undefined) throw throws;
          return headline;
        },
        mapError: (error) =>
          error instanceof Passing
            ? new ProviderFailure({ reason: "Unavailable", provider: "shelf", detail: "full" })
            : undefined,
        retry: Retry.fixed({ attempts: 2, delayMs: 1_000 }),
      }),
      ({ outputs }) => outputs.ask.headline,
    )
    .output(Schema.String, ({ last }) => last);
};

const writerOf = ({ answers = [good] }: Story) => {
  let calls = 0;
  const input = { type: "object", properties: { prompt: { type: "string" } } } as const;
  const run = () => {
    const answer = answers[Math.min(calls, answers.length - 1)] ?? good;
    calls += 1;
    if (answer === "silence") return new Promise(() => undefined);
    if ("error" in answer) throw new Error(answer.error);
    return answer.text;
  };
  return Functions.client({ models: { writer: { input, run } } });
};

const turn = Effect.andThen(
  Effect.promise(() => new Promise((resolve) => setImmediate(resolve))),
  TestClock.adjust("250 millis"),
);

/** Runs the story to its end; a story that never ends lets the test run out of time. */
export const tell = Effect.fnUntraced(function* (story: Story) {
  const pipeline = pipelineOf(story);
  const journals = new MemoryJournals();
  const observations: Array<Observation> = [];
  const asked: Array<Fact> = [];
  const open = new Map(Object.entries(story.asks ?? {}));
  const observe = (observation: Observation): void => {
    observations.push(observation);
    for (const { type } of observation.entries) {
      const fact = open.get(type);
      if (fact !== undefined) asked.push(fact);
      open.delete(type);
    }
  };
  const client = writerOf(story);
  const engine = yield* makeEngine({
    ...optionsFor({ pipeline, orphanGraceMs: 60_000 }),
    store: MemoryJournalStore.make(journals),
    models: story.line?.(client) ?? client,
    observe,
  });
  const deployed = engine.deployed.get(keyOf(pipeline.plan));
  if (deployed === undefined) return yield* Effect.die("the pipeline is not deployed");
  const submission = { deployed, input: "a kettle", idempotencyKey: null };
  if (story.isSecond === true) {
    const first = yield* engine.jobs.submit(submission);
    while (journals.files.get(first.jobId)?.job.record.status !== "complete") yield* turn;
  }
  const { jobId } = yield* engine.jobs.submit(submission);
  const file = () => journals.files.get(jobId);
  while (open.size + asked.length > 0 || file()?.job.record.status !== story.ends) {
    for (const fact of asked.splice(0)) yield* engine.jobs.post(jobId, fact);
    yield* turn;
  }
  const own = observations.filter((observation) => observation.jobId === jobId);
  return {
    pipeline,
    told: { entries: [...(file()?.entries ?? [])], observations: own } satisfies Told,
  };
});
