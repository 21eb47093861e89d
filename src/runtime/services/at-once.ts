/**
 * Composition that stays a plain value for as long as it is one: most of what a step needs lies in memory, and a
 * fiber for a value that is there costs more than the step. An Effect that has succeeded already is its own Exit.
 */
import { Effect, Exit } from "effect";

/** The value, boxed, of an Effect that has succeeded already; undefined where it has to be run. */
export const there = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
): { readonly value: A } | undefined => {
  if (!Exit.isExit(effect)) return undefined;
  // An Exit is an Effect of what it holds; the guard forgets its types.
  const exit = effect as Exit.Exit<A, E>;
  return Exit.isSuccess(exit) ? exit : undefined;
};

/** As `Effect.flatMap`, now where the value is there. */
export const thenAtOnce = <A, E, R, B, E2, R2>(
  effect: Effect.Effect<A, E, R>,
  next: (value: A) => Effect.Effect<B, E2, R2>,
): Effect.Effect<B, E | E2, R | R2> => {
  const known = there(effect);
  if (known === undefined) return Effect.flatMap(effect, next);
  try {
    return next(known.value);
  } catch (defect) {
    return Effect.die(defect);
  }
};

/** As `Effect.map`, now where the value is there. */
export const mapAtOnce = <A, E, R, B>(
  effect: Effect.Effect<A, E, R>,
  next: (value: A) => B,
): Effect.Effect<B, E, R> => thenAtOnce(effect, (value) => Effect.succeed(next(value)));

/** As `Effect.all`, one after the other, now where all values are there. */
export const allAtOnce = <A, E, R>(
  effects: ReadonlyArray<Effect.Effect<A, E, R>>,
): Effect.Effect<ReadonlyArray<A>, E, R> => {
  const values: Array<A> = [];
  for (const effect of effects) {
    const known = there(effect);
    if (known === undefined) return Effect.all(effects);
    values.push(known.value);
  }
  return Effect.succeed(values);
};
