/**
 * The tiny copywriter behind the name of a large language model: it reads the labelled lines of an ordinary prompt,
 * samples an answer, and hands out tokens as they come. A toy: far from its grammar the copy is fluent and wrong.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { seededRandom } from "../../random.ts";
import { readLabels, type Labels } from "./labels.ts";
import { makeNetwork, startSession, step } from "./network.ts";
import { sampleToken, type SamplingOptions } from "./sampling.ts";
import { makeTokenizer, type Tokenizer } from "./tokenizer.ts";
import { readWeights } from "./weights.ts";

export interface WriteOptions extends SamplingOptions {
  readonly seed: number;
  readonly maximumTokens: number;
  /** Called with each piece of text; the pieces together are the answer. */
  readonly onPiece?: (piece: string) => void;
  readonly isAborted?: () => boolean;
}

export interface Copywriter {
  readonly tokenizer: Tokenizer;
  /** The answer in pieces; the last one is empty, as the real model's is. */
  readonly write: (prompt: string, options: WriteOptions) => Promise<readonly string[]>;
}

/** Tokens sampled before other work gets a turn, a few ms. */
const SLICE_TOKENS = 4;
const PRODUCT_MARK = "<P>";
const END_MARK = "<e>";
/** Given to the model, not sampled: on a brief that ends in an unknown word it would go on writing the brief. */
const CONCEPT_OPENING = '{"headline": "';

/** Loads the weights: some 20 ms. */
export function loadCopywriter(): Copywriter {
  const weights = readWeights();
  const network = makeNetwork(weights);
  const tokenizer = makeTokenizer(weights.vocab, weights.merges);
  const end = weights.vocab.indexOf(END_MARK);
  const write = async (prompt: string, options: WriteOptions): Promise<readonly string[]> => {
    const labels = readLabels(prompt);
    const random = seededRandom(options.seed);
    const session = startSession(network);
    const tokens = tokenizer.encode(taskText(labels, tokenizer));
    let logits: Float32Array = new Float32Array();
    for (const token of tokens) logits = step(network, session, token);
    const opening = labels.task === "concept" ? tokenizer.encode(CONCEPT_OPENING) : [];
    const pieces: string[] = [];
    while (pieces.length < options.maximumTokens && session.position < network.context) {
      const token = opening[pieces.length] ?? sampleToken(logits, options, random);
      if (token === end || options.isAborted?.()) break;
      const piece = tokenizer.decode([token]).replace(PRODUCT_MARK, labels.product);
      pieces.push(piece);
      options.onPiece?.(piece);
      if (pieces.length % SLICE_TOKENS === 0) await nextTurn();
      logits = step(network, session, token);
    }
    return [...pieces, ""];
  };
  return { tokenizer, write };
}

/**
 * The text that the model was trained to go on from. Fields are cut to about the length they had in training:
 * behind longer ones the model no longer begins its JSON, whatever it was told.
 */
function taskText(labels: Labels, tokenizer: Tokenizer): string {
  const cut = (text: string, tokens: number): string =>
    tokenizer.decode(
      tokenizer.encode(text.replace(/\s+/gu, " ").replace(/[|<>]/gu, "")).slice(0, tokens),
    );
  if (labels.task === "concept") {
    const audience = cut(phrase(labels.audience), 8);
    const value = cut(phrase(labels.value), 12);
    return `<c>product: ${cut(labels.product, 10)} | audience: ${audience} | value: ${value}=>`;
  }
  // The product's name is one token to the model; what a cut leaves of the headline goes around it.
  const headline = labels.headline
    .split(labels.product)
    .map((part) => cut(part, 18))
    .join(PRODUCT_MARK);
  return `<i>headline: ${headline} | visual: ${cut(labels.visual, 40)} | tone: ${cut(phrase(labels.tone), 8)}=>`;
}

/** A phrase as the training texts have it: lower case, no full stop. */
function phrase(text: string): string {
  return text.toLowerCase().replace(/\.+$/u, "");
}
