/** Chance from a seed: whatever a simulated world leaves to chance is the same again under the same seed. */
import type { Random } from "effect";

export interface Chance {
  /** 0 (inclusive) to 1 (exclusive). */
  readonly next: () => number;
  /** An integer, both ends included. */
  readonly between: (low: number, high: number) => number;
  readonly isTrue: (probability: number) => boolean;
  readonly pick: <A>(of: ReadonlyArray<A>) => A;
}

/** Source: mulberry32, a 32-bit generator in the public domain. */
export const makeChance = (seed: number): Chance => {
  let state = (seed * 0x9e3779b1) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number): number =>
    low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    isTrue: (probability) => next() < probability,
    pick: (of) => {
      const picked = of[between(0, of.length - 1)];
      if (picked === undefined) throw new Error("nothing to pick from");
      return picked;
    },
  };
};

/** The same chance as Effect's own service. */
export const randomFrom = (chance: Chance): Random.Random => ({
  nextDoubleUnsafe: chance.next,
  nextIntUnsafe: () => chance.between(0, 2 ** 31),
});
