/** A running Catena for a command: the user's layer built, its options applied, its end that of the scope. */
import { Effect, Layer } from "effect";
import type { Context, Scope } from "effect";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import { type CatenaService, makeService } from "../catena-service.ts";
import type { Intake } from "../jobs/left-behind.ts";
import type { Observation } from "../jobs/job-host.ts";
import type { StoreFailure } from "../journal-store.ts";
import type { ConfigOptions } from "./config-file.ts";
import { asUsage, Trouble, type UsageError } from "./ending.ts";

export type RunningService = CatenaService["Service"];

export interface ServiceOptions {
  readonly options: ConfigOptions;
  readonly intake: Intake;
  /** Sees every committed batch, beside the config's own `inspect`. */
  readonly observe?: (observation: Observation) => void;
}

/** Lives as long as the scope. Fails with: UsageError, Trouble (the user's layer), StoreFailure, AssetStoreFailure. */
export const startService = Effect.fnUntraced(function* ({
  options,
  intake,
  observe,
}: ServiceOptions): Effect.fn.Return<
  RunningService,
  UsageError | Trouble | StoreFailure | AssetStoreFailure,
  Scope.Scope
> {
  const context = yield* builtLayer(options);
  const inspect = (observation: Observation): void => {
    observe?.(observation);
    options.inspect?.(observation);
  };
  return yield* Effect.provideContext(makeService({ ...options, inspect }, intake), context).pipe(
    asUsage,
  );
});

const builtLayer = ({
  layer,
}: ConfigOptions): Effect.Effect<Context.Context<never>, Trouble, Scope.Scope> =>
  Effect.mapError(
    Layer.build(layer ?? Layer.empty),
    (cause) => new Trouble({ message: `The config's layer cannot be built: ${String(cause)}` }),
  );
