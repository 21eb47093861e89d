/** The pipeline that the examples of this folder serve; a real one would ask models. */
import { Schema } from "effect";
import { Pipeline, Step } from "../../src/index.ts";

const Order = Schema.Struct({ product: Schema.NonEmptyString });
const Slogan = Schema.Struct({ slogan: Schema.String });

export const slogans = Pipeline.make("slogans", { version: 1, input: Order })
  .step(
    Step.make("slogan", {
      input: Order,
      output: Slogan,
      run: ({ product }) => ({ slogan: `${product}: never without it` }),
    }),
  )
  .output(Slogan, ({ last }) => last);
