/** Whether `Catena.start` takes a layer: required by type exactly when some step needs a service. */
import type { Layer } from "effect";
import type { AnyPipeline, ServicesOf } from "./pipeline.ts";

/** The layer of the services R, which may fail to build: required where there are any, refused where there are none. */
export type LayerOption<R> = [R] extends [never]
  ? {
      // No layer has this key; the compiler prints it, and why, where one is given.
      readonly layer?: {
        readonly "layer-not-needed": "no step of these pipelines needs a service: leave the layer out";
      };
    }
  : { readonly layer: Layer.Layer<R, unknown> };

/** The part of the options of `Catena.start` that the pipelines' types decide. */
export type PipelineOptions<Pipelines extends ReadonlyArray<AnyPipeline>> = {
  readonly pipelines: Pipelines;
} & LayerOption<ServicesOf<Pipelines[number]>>;
