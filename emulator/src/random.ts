/**
 * Chance that can be repeated: every draw of the emulator (sampled tokens, painted patterns, fault probabilities)
 * comes from a seed, so that a run can be told again.
 */
import { createHash } from "node:crypto";

/** Draws numbers in [0, 1). */
export type Random = () => number;

/** A generator whose draws depend on the seed alone. Source: mulberry32, public domain. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A 32-bit seed made from a text. */
export function seedOf(text: string): number {
  return createHash("sha256").update(text).digest().readUInt32LE(0);
}
