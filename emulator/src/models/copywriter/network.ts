/**
 * Inference of the tiny copywriter, a small GPT, in plain arithmetic: one token at a time with a key-value cache.
 * About 0.9 million multiplications a token. Source of the shape: models/tiny-copywriter/train.py.
 */
import type { Weights } from "./weights.ts";

interface Linear {
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

interface Layer {
  readonly attentionNorm: Linear;
  readonly qkv: Linear;
  readonly attentionOut: Linear;
  readonly feedNorm: Linear;
  readonly feedIn: Linear;
  readonly feedOut: Linear;
}

export interface Network {
  readonly width: number;
  readonly heads: number;
  readonly context: number;
  readonly embedding: Float32Array;
  readonly positions: Float32Array;
  readonly layers: readonly Layer[];
  readonly finalNorm: Linear;
}

/** The running state of one text: how many tokens were read, and their keys and values in each layer. */
export interface Session {
  position: number;
  readonly caches: readonly { readonly keys: Float32Array; readonly values: Float32Array }[];
}

const NORM_EPSILON = 1e-5;

export function makeNetwork(weights: Weights): Network {
  const { tensor, width, heads, context } = weights;
  const linear = (name: string): Linear => ({
    weight: tensor(`${name}.weight`),
    bias: tensor(`${name}.bias`),
  });
  const layers = Array.from(
    { length: weights.layers },
    (_, index): Layer => ({
      attentionNorm: linear(`b.${index}.n1`),
      qkv: linear(`b.${index}.qkv`),
      attentionOut: linear(`b.${index}.o`),
      feedNorm: linear(`b.${index}.n2`),
      feedIn: linear(`b.${index}.f1`),
      feedOut: linear(`b.${index}.f2`),
    }),
  );
  const embedding = tensor("e.weight");
  const positions = tensor("p.weight");
  return { width, heads, context, embedding, positions, layers, finalNorm: linear("n") };
}

export function startSession({ layers, context, width }: Network): Session {
  const cache = (): Float32Array => new Float32Array(context * width);
  return { position: 0, caches: layers.map(() => ({ keys: cache(), values: cache() })) };
}

/** Reads one token and returns the logits of the next; the session moves on. Throws beyond the context. */
export function step(network: Network, session: Session, token: number): Float32Array {
  const { width, context, embedding, positions, layers, finalNorm } = network;
  if (session.position >= context) throw new Error(`the toy model reads at most ${context} tokens`);
  const state = embedding.slice(token * width, (token + 1) * width);
  add(state, positions.subarray(session.position * width, (session.position + 1) * width));
  for (const [index, layer] of layers.entries()) {
    const cache = session.caches[index];
    if (cache === undefined) throw new Error("the session belongs to another network");
    const attended = attend(
      network,
      { ...cache, position: session.position },
      apply(layer.qkv, normalise(state, layer.attentionNorm)),
    );
    add(state, apply(layer.attentionOut, attended));
    add(state, apply(layer.feedOut, gelu(apply(layer.feedIn, normalise(state, layer.feedNorm)))));
  }
  session.position += 1;
  return multiply(embedding, normalise(state, finalNorm));
}

interface Cache {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly position: number;
}

/** Each head looks back over all positions so far. qkv: query, key and value side by side. */
function attend(
  { width, heads }: Network,
  { keys, values, position }: Cache,
  qkv: Float32Array,
): Float32Array {
  keys.set(qkv.subarray(width, 2 * width), position * width);
  values.set(qkv.subarray(2 * width), position * width);
  const size = width / heads;
  const out = new Float32Array(width);
  const scores = new Float32Array(position + 1);
  for (let head = 0; head < heads; head += 1) {
    const start = head * size;
    const query = qkv.subarray(start, start + size);
    for (let at = 0; at <= position; at += 1) {
      scores[at] = dot(query, keys, at * width + start) / Math.sqrt(size);
    }
    softmax(scores);
    for (let at = 0; at <= position; at += 1) {
      addScaled(
        out.subarray(start, start + size),
        values.subarray(at * width + start),
        scores[at] ?? 0,
      );
    }
  }
  return out;
}

/** In place: exponentials of the values, summing up to one. */
export function softmax(values: Float32Array): void {
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) {
    const power = Math.exp((values[index] ?? 0) - largest);
    values[index] = power;
    sum += power;
  }
  for (let index = 0; index < values.length; index += 1) values[index] = (values[index] ?? 0) / sum;
}

function apply({ weight, bias }: Linear, input: Float32Array): Float32Array {
  const out = multiply(weight, input);
  add(out, bias);
  return out;
}

function multiply(matrix: Float32Array, input: Float32Array): Float32Array {
  const out = new Float32Array(matrix.length / input.length);
  for (let row = 0; row < out.length; row += 1) out[row] = dot(input, matrix, row * input.length);
  return out;
}

function dot(vector: Float32Array, matrix: Float32Array, offset: number): number {
  let sum = 0;
  for (let index = 0; index < vector.length; index += 1)
    sum += (vector[index] ?? 0) * (matrix[offset + index] ?? 0);
  return sum;
}

function add(target: Float32Array, other: Float32Array): void {
  addScaled(target, other, 1);
}

function addScaled(target: Float32Array, other: Float32Array, factor: number): void {
  for (let index = 0; index < target.length; index += 1)
    target[index] = (target[index] ?? 0) + (other[index] ?? 0) * factor;
}

function normalise(state: Float32Array, { weight, bias }: Linear): Float32Array {
  const mean = state.reduce((sum, value) => sum + value, 0) / state.length;
  const variance = state.reduce((sum, value) => sum + (value - mean) ** 2, 0) / state.length;
  const factor = 1 / Math.sqrt(variance + NORM_EPSILON);
  return state.map(
    (value, index) => (value - mean) * factor * (weight[index] ?? 0) + (bias[index] ?? 0),
  );
}

/** The exact GELU, over an approximated error function. Source: Abramowitz and Stegun 7.1.26, error under 1.5e-7. */
function gelu(values: Float32Array): Float32Array {
  return values.map((value) => {
    const x = Math.abs(value) / Math.SQRT2;
    const t = 1 / (1 + 0.3275911 * x);
    const series =
      t *
      (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const erf = Math.sign(value) * (1 - series * Math.exp(-x * x));
    return 0.5 * value * (1 + erf);
  });
}
