/** Chance that a seed repeats exactly. */
export interface Dice {
  /** 0 up to, not including, 1. */
  readonly roll: () => number;
  readonly pick: <A>(from: readonly [A, ...ReadonlyArray<A>]) => A;
}

/** Source: Mulberry32 by Tommy Ettinger. */
export const seededDice = (seed: number): Dice => {
  let state = seed >>> 0;
  const roll = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const pick = <A>(from: readonly [A, ...ReadonlyArray<A>]): A =>
    from[Math.floor(roll() * from.length)] ?? from[0];
  return { roll, pick };
};
