/** Chooses the next token: temperature, then the smallest set of tokens whose probabilities reach top_p. */
import type { Random } from "../../random.ts";
import { softmax } from "./network.ts";

export interface SamplingOptions {
  /** 0 takes the likeliest token always. */
  readonly temperature: number;
  /** In (0, 1]; 0 keeps the likeliest token only. */
  readonly topP: number;
}

/** The token; the same logits, options and draw give the same. */
export function sampleToken(
  logits: Float32Array,
  { temperature, topP }: SamplingOptions,
  random: Random,
): number {
  const chances = logits.map((logit) => logit / Math.max(temperature, 1e-3));
  softmax(chances);
  const ranked = [...chances.keys()].sort((a, b) => (chances[b] ?? 0) - (chances[a] ?? 0));
  const kept: number[] = [];
  let mass = 0;
  for (const token of ranked) {
    kept.push(token);
    mass += chances[token] ?? 0;
    if (mass >= topP) break;
  }
  let rest = random() * mass;
  for (const token of kept) {
    rest -= chances[token] ?? 0;
    if (rest <= 0) return token;
  }
  return kept[0] ?? 0;
}
