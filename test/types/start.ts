/** The signatures of the runtime's facade, of which the pipelines' types decide a part. */
import type { AnyPipeline, FailureOf, InputOf, OutputOf } from "../../src/machines/pipeline.ts";
import type { PipelineOptions } from "../../src/machines/layer-option.ts";

export declare const start: <const Pipelines extends ReadonlyArray<AnyPipeline>>(
  options: PipelineOptions<Pipelines>,
) => Promise<void>;

export declare const submit: <P extends AnyPipeline>(
  pipeline: P,
  input: InputOf<NoInfer<P>>,
) => Promise<{ readonly output: OutputOf<P> } | { readonly failure: FailureOf<P> }>;
