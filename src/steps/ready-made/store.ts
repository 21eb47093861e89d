/**
 * Hands a value to where it is kept, under the key of the step: the same over all attempts and restarts of
 * this step of this job, so that a sink that knows its keys keeps the value once.
 */
import { Effect } from "effect";
import type { Failure } from "../failure.ts";
import { refuseUnknownOptions } from "../known-options.ts";
import { type AnySchema, Step, type StepContext } from "../step.ts";
import { effectSettingNames, effectSettings, type EffectSettings } from "./effect-settings.ts";

/** Keeps the value under the key. The same key may come again, with the same value, and must keep it once. */
export type Put<V, Kept, E, R> = (
  key: string,
  value: V,
  context: StepContext,
) => Effect.Effect<Kept, E, R> | Promise<Kept> | Kept;

interface StoreSettings<V> extends EffectSettings {
  readonly input: AnySchema<V>;
  /** Turns what was thrown into a declared failure, such as a ProviderFailure for a database that is away. */
  readonly mapError?: (error: unknown) => Failure | undefined;
}

export interface StoreOptions<V, Kept, E, R> extends StoreSettings<V> {
  readonly put: Put<NoInfer<V>, Kept, E, R>;
}

export interface StoreAndTellOptions<V, O, E, R> extends StoreSettings<V> {
  /** What `put` answers, such as a URL or a row's id. */
  readonly output: AnySchema<O>;
  readonly put: Put<NoInfer<V>, NoInfer<O>, E, R>;
}

const optionNames = Object.keys({
  ...effectSettingNames,
  input: true,
  output: true,
  put: true,
  mapError: true,
} satisfies Record<keyof StoreAndTellOptions<unknown, unknown, never, never>, true>);

/**
 * A step that stores a value and answers what `put` does, or, without an output schema, hands the value
 * on. Fails with: what `put` fails with or `mapError` makes of it; anything else thrown is a defect.
 */
export function store<const Name extends string, V, O, E extends Failure = never, R = never>(
  name: Name,
  options: StoreAndTellOptions<V, O, E, R>,
): Step<Name, V, O, Failure, R>;
export function store<const Name extends string, V, Kept, E extends Failure = never, R = never>(
  name: Name,
  options: StoreOptions<V, Kept, E, R>,
): Step<Name, V, V, Failure, R>;
export function store(
  name: string,
  options: StoreSettings<unknown> & {
    readonly output?: AnySchema<unknown>;
    readonly put: Put<unknown, unknown, Failure, unknown>;
  },
): Step<string, unknown, unknown, Failure, unknown> {
  refuseUnknownOptions(name, options, optionNames);
  const { input, output, put, mapError } = options;
  return Step.make(name, {
    ...effectSettings(options),
    input,
    output: output ?? input,
    fails: ["provider", "policy"],
    ...(mapError === undefined ? {} : { mapError }),
    run: (value, context) => {
      const kept = put(context.key, value, context);
      if (output !== undefined) return kept;
      // A rejection stays what it was: `mapError` is to see it.
      return Effect.as(Effect.isEffect(kept) ? kept : Effect.promise(async () => kept), value);
    },
  });
}
