/** The pipelines of the simulated worlds: every kind of step, every policy that a crash can meet. */
import { Effect, Schema } from "effect";
import {
  Asset,
  Parse,
  Pipeline,
  ProviderFailure,
  Retry,
  Step,
  type StepContext,
} from "../../../src/index.ts";
import { makeDriver } from "../../../src/machines/advance.ts";
import { keyOf } from "../../../src/runtime/engine.ts";
import { imageModel, textModel } from "./provider.ts";

/** What the steps' functions ask of the world they run in; a run is synchronous, so there is one at a time. */
export interface StepWorld {
  readonly parse: (output: unknown) => void;
  /** Before and after a function's work; fails where the world says so. */
  readonly step: (
    context: StepContext,
    isRepeatable: boolean,
  ) => Effect.Effect<void, ProviderFailure>;
}

let world: StepWorld | null = null;
export const runIn = (next: StepWorld | null): void => {
  world = next;
};

const Topic = Schema.Struct({ topic: Schema.String });
const Text = Schema.Struct({ text: Schema.String, from: Schema.String });

/** More attempts than a world has faults. */
const retry = Retry.transient({ attempts: 10, baseMs: 200, maxMs: 3_000 });

const watchedParse: Parse = (output) => {
  world?.parse(output);
  return Parse.json(output);
};

const work = (isRepeatable: boolean) => (text: typeof Text.Type, context: StepContext) =>
  Effect.as(world?.step(context, isRepeatable) ?? Effect.void, text);

const draft = Step.model("draft", {
  input: Topic,
  output: Text,
  model: textModel,
  request: ({ topic }) => ({ prompt: topic }),
  parse: watchedParse,
  repair: 5,
  timeout: "40 seconds",
  retry,
});
const polish = Step.make("polish", {
  input: Text,
  output: Text,
  fails: ["provider"],
  run: work(true),
  // Long enough for a process to die in between.
  retry: { ...retry, baseMs: 1_500, maxMs: 10_000 },
});
/** Too large for an entry: it goes to the asset store. */
const inflate = Step.make("inflate", {
  input: Text,
  output: Text,
  run: ({ from }) => ({ text: "x".repeat(70_000), from }),
});
const picture = Step.model("picture", {
  input: Text,
  output: Asset.Image,
  model: imageModel,
  request: ({ text }) => ({ prompt: text }),
  timeout: { attempt: "40 seconds", boot: "30 seconds", step: "30 minutes" },
  retry,
});
const Kept = Schema.Struct({ sha256: Schema.String });
const keep = Step.make("keep", {
  input: Asset.Image,
  output: Kept,
  run: ({ sha256 }, context) => Effect.as(world?.step(context, true) ?? Effect.void, { sha256 }),
  fails: ["provider"],
  retry,
});
const notify = Step.make("notify", {
  input: Text,
  output: Text,
  fails: ["provider"],
  run: work(false),
  isRepeatable: false,
  retry,
});
const review = Step.model("review", {
  input: Text,
  output: Text,
  model: textModel,
  request: ({ text }) => ({ prompt: text }),
  parse: watchedParse,
  repair: 5,
  onUnknown: "ask",
  timeout: "40 seconds",
  retry,
});
const rate = Step.model("rate", {
  input: Text,
  output: Text,
  model: textModel,
  request: ({ text }) => ({ prompt: text }),
  parse: watchedParse,
  repair: 5,
  onUnknown: "fail",
  timeout: "40 seconds",
  retry,
});

/** Waits for as long as it takes: whoever is asked sends again until somebody has it. */
const confirm = Step.signal("confirm", { input: Text, output: Text });

const asked = Pipeline.make("asked", { version: 1, input: Topic })
  .step(draft)
  .step(confirm)
  .step(polish)
  .output(Text, ({ last }) => last);
const chain = Pipeline.make("chain", { version: 1, input: Topic })
  .step(draft)
  .step(polish)
  .step(picture)
  .step(keep)
  .output(Kept, ({ outputs }) => outputs.keep);
const single = Pipeline.make("single", { version: 1, input: Topic })
  .step(draft)
  .output(Text, ({ last }) => last);
const plain = Pipeline.make("plain", { version: 1, input: Text })
  .step(polish)
  .step(polish.as("polish-again"))
  .output(Text, ({ last }) => last);
const bulky = Pipeline.make("bulky", { version: 1, input: Topic })
  .step(draft)
  .step(inflate)
  .step(polish)
  .output(Kept, ({ outputs }) => ({ sha256: outputs.polish.from }));
const careful = Pipeline.make("careful", { version: 1, input: Topic })
  .step(draft)
  .step(notify)
  .step(review)
  .step(rate)
  .output(Text, ({ last }) => last);

/** Nothing but functions and their back-offs: what a clock that jumps can disturb. */
export const unpaid = [plain.plan];
/** Jobs of these complete by themselves, however often they are interrupted. */
export const repeatable = [chain.plan, single.plan, plain.plan, bulky.plan, asked.plan];
/** Here a crash may leave a question that a person has to answer. */
export const all = [...repeatable, careful.plan];

/** The pipeline that waits, and for which signal. */
export const asking = { pipeline: keyOf(asked.plan), path: confirm.name };

export const drivers = new Map(all.map((plan) => [keyOf(plan), makeDriver(plan)]));
export const modelSteps: ReadonlySet<string> = new Set(["draft", "picture", "review", "rate"]);
