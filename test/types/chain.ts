/** The steps and pipelines that the programs beside this file put together, rightly or wrongly. */
import { Context, Effect, Layer, Schema } from "effect";
import { Pipeline } from "../../src/machines/pipeline.ts";
import { Step } from "../../src/steps/step.ts";

export const Brief = Schema.Struct({ product: Schema.NonEmptyString, audience: Schema.String });
export const Concept = Schema.Struct({ headline: Schema.String, tone: Schema.String });

export const concept = Step.model("concept", {
  input: Brief,
  output: Concept,
  model: "writers/small",
  request: ({ product }) => ({ prompt: product }),
});

export const prompt = Step.model("prompt", {
  input: Concept,
  output: Schema.String,
  model: "writers/small",
  request: ({ headline }) => ({ prompt: headline }),
});

export const count = Step.make("count", {
  input: Schema.String,
  output: Schema.Number,
  run: (text) => text.length,
});

export class Crm extends Context.Service<
  Crm,
  { readonly put: (text: string) => Effect.Effect<void> }
>()("test/Crm") {}

export class Mailer extends Context.Service<
  Mailer,
  { readonly send: (text: string) => Effect.Effect<void> }
>()("test/Mailer") {}

export const publish = Step.make("publish", {
  input: Schema.String,
  output: Schema.String,
  run: Effect.fn(function* (text) {
    const crm = yield* Crm;
    yield* crm.put(text);
    return text;
  }),
});

export const crm = Layer.succeed(Crm, { put: () => Effect.void });
export const mailer = Layer.succeed(Mailer, { send: () => Effect.void });

export const counting = Pipeline.make("counting", { version: 1, input: Schema.String })
  .step(count)
  .output(Schema.Number, ({ last }) => last);

export const publishing = Pipeline.make("publishing", { version: 1, input: Schema.String })
  .step(publish)
  .output(Schema.String, ({ outputs }) => outputs.publish);
