/** Programs that compile, and the types they get: the other half of the wrong programs beside this file. */
import { Effect, Layer, Schema } from "effect";
import {
  Pipeline,
  type FailureOf,
  type InputOf,
  type OutputOf,
  type ServicesOf,
  type SignalsOf,
} from "../../src/machines/pipeline.ts";
import type { Approval } from "../../src/steps/approval.ts";
import { AssetStore } from "../../src/steps/asset-store.ts";
import {
  PolicyFailure,
  type Failure,
  type ProviderFailure,
  type TimeoutFailure,
  type ValidationFailure,
} from "../../src/steps/failure.ts";
import { Step } from "../../src/steps/step.ts";
import {
  Brief,
  concept,
  count,
  counting,
  Crm,
  crm,
  Mailer,
  mailer,
  prompt,
  publish,
  publishing,
} from "./chain.ts";
import { holds, type Same } from "./same.ts";
import { start, submit } from "./start.ts";

// A mapper sees the input, every output by name and the last one.
const campaign = Pipeline.make("campaign", { version: 1, input: Brief })
  .step(concept)
  .step(prompt)
  .step(count, ({ input, outputs, last }) => input.audience + outputs.concept.tone + last)
  .output(Schema.Struct({ prompt: Schema.String, length: Schema.Number }), ({ outputs, last }) => ({
    prompt: outputs.prompt,
    length: last,
  }));
holds<Same<InputOf<typeof campaign>, typeof Brief.Type>>();
holds<Same<OutputOf<typeof campaign>, { readonly prompt: string; readonly length: number }>>();
holds<Same<FailureOf<typeof campaign>, Failure>>();
holds<Same<ServicesOf<typeof campaign>, never>>();

// A job may fail as its steps declare, and in the two ways that need no declaring.
const check = Step.make("check", {
  input: Schema.String,
  output: Schema.String,
  fails: ["policy"],
  run: Effect.fn(function* (text) {
    if (text === "") return yield* new PolicyFailure({ rule: "empty" });
    return text;
  }),
});
const checking = Pipeline.make("checking", { version: 1, input: Schema.String })
  .step(check)
  .step(check.as("check-again"))
  .output(Schema.String, ({ outputs }) => outputs["check-again"]);
holds<Same<FailureOf<typeof counting>, ValidationFailure | TimeoutFailure>>();
holds<Same<FailureOf<typeof checking>, ValidationFailure | TimeoutFailure | PolicyFailure>>();

// `run` may answer an Effect, a promise or a value; either branch of a choice may fail.
const choose = Step.make("choose", {
  input: Schema.String,
  output: Schema.Number,
  fails: ["policy"],
  run: (text) =>
    text === "" ? Effect.fail(new PolicyFailure({ rule: "empty" })) : Effect.succeed(text.length),
});
const wait = Step.make("wait", {
  input: Schema.Number,
  output: Schema.Number,
  fails: ["provider"],
  run: async (length, { attempt, key, signal }) => {
    signal.throwIfAborted();
    return length + attempt + key.length;
  },
  mapError: () => undefined,
});
const choosing = Pipeline.make("choosing", { version: 2, input: Schema.String })
  .step(choose)
  .step(wait)
  .output(Schema.Number, ({ last }) => last);
holds<
  Same<
    FailureOf<typeof choosing>,
    ValidationFailure | TimeoutFailure | PolicyFailure | ProviderFailure
  >
>();

// The asset store comes from the runtime; every other service from the layer.
const keep = Step.make("keep", {
  input: Schema.String,
  output: Schema.String,
  run: Effect.fn(function* (text) {
    const assets = yield* AssetStore;
    const mail = yield* Mailer;
    const kept = yield* Effect.orDie(
      assets.put({ bytes: new TextEncoder().encode(text), contentType: "text/plain" }),
    );
    yield* mail.send(kept.url);
    return kept.url;
  }),
});
const keeping = Pipeline.make("keeping", { version: 1, input: Schema.String })
  .step(publish)
  .step(keep)
  .output(Schema.String, ({ last }) => last);
holds<Same<ServicesOf<typeof keeping>, Crm | Mailer>>();
await start({ pipelines: [counting, campaign, checking, choosing] });
await start({ pipelines: [counting, publishing], layer: crm });
await start({ pipelines: [keeping], layer: Layer.mergeAll(crm, mailer) });

const outcome = await (await submit(checking, "text")).outcome();
if (outcome.status === "complete") holds<Same<typeof outcome.output, string>>();
if (outcome.status === "failed")
  holds<
    Same<
      typeof outcome.failure._tag,
      "ValidationFailure" | "TimeoutFailure" | "PolicyFailure" | "Defect"
    >
  >();

// What a job may be sent is known by the names of the steps that wait.
const asking = Pipeline.make("asking", { version: 1, input: Schema.String })
  .step(Step.signal("price", { input: Schema.String, output: Schema.Number, timeout: "3 days" }))
  .step(Step.approval("review", { input: Schema.Number }).as("second-look"))
  .output(Schema.Number, ({ outputs }) => outputs["second-look"]);
holds<Same<SignalsOf<typeof asking>["price"], number>>();
holds<Same<SignalsOf<typeof asking>["second-look"], Approval>>();
holds<Same<keyof SignalsOf<typeof asking>, "price" | "second-look">>();
holds<Same<keyof SignalsOf<typeof counting>, never>>();
holds<Same<FailureOf<typeof asking>, ValidationFailure | TimeoutFailure | PolicyFailure>>();
const answered = await (await submit(asking, "text")).signal("second-look", { approved: true });
holds<Same<typeof answered.isNew, boolean>>();

// Names known only at run time are checked at run time.
const again = Math.random() > 0.5 ? "second" : "third";
const named: string = again;
export const late = Pipeline.make("late", { version: 1, input: Schema.String })
  .step(check)
  .step(check.as(named))
  .step(check.as(again))
  .output(Schema.String, ({ last }) => last);

// A long chain keeps every output's type.
export const long = Pipeline.make("long", { version: 1, input: Schema.String })
  .step(check.as("c0"))
  .step(check.as("c1"))
  .step(check.as("c2"))
  .step(check.as("c3"))
  .step(check.as("c4"))
  .step(check.as("c5"))
  .step(check.as("c6"))
  .step(check.as("c7"))
  .step(check.as("c8"))
  .step(check.as("c9"))
  .step(check.as("c10"))
  .step(check.as("c11"))
  .step(check.as("c12"))
  .step(check.as("c13"))
  .step(check.as("c14"))
  .step(check.as("c15"))
  .step(check.as("c16"))
  .step(check.as("c17"))
  .step(check.as("c18"))
  .step(check.as("c19"))
  .step(check.as("c20"))
  .step(check.as("c21"))
  .step(check.as("c22"))
  .step(check.as("c23"))
  .step(check.as("c24"))
  .step(check.as("c25"))
  .step(check.as("c26"))
  .step(check.as("c27"))
  .step(check.as("c28"))
  .step(check.as("c29"))
  .step(check.as("c30"))
  .step(check.as("c31"))
  .step(check.as("c32"))
  .step(check.as("c33"))
  .step(check.as("c34"))
  .step(check.as("c35"))
  .step(check.as("c36"))
  .step(check.as("c37"))
  .step(check.as("c38"))
  .step(check.as("c39"))
  .output(Schema.String, ({ outputs, last }) => (last === "" ? outputs.c0 : outputs.c39));
