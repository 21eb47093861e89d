/** The copywriter's byte-pair encoding over words. Source: models/tiny-copywriter/train.py. */

const WORDS = /<c>|<i>|<e>|<P>|=>| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9<]|\s|</gu;

export interface Tokenizer {
  /** Characters outside of the vocabulary (printable ASCII) are left out. */
  readonly encode: (text: string) => readonly number[];
  readonly decode: (tokens: readonly number[]) => string;
}

/** vocab: index is the token; merges: position is the rank. */
export function makeTokenizer(
  vocab: readonly string[],
  merges: readonly (readonly [string, string])[],
): Tokenizer {
  const tokenOf = new Map(vocab.map((text, token) => [text, token]));
  const rankOf = new Map(merges.map(([left, right], rank) => [`${left}\0${right}`, rank]));
  const cache = new Map<string, readonly number[]>();
  const encodeWord = (word: string): readonly number[] => {
    const special = word.length > 1 && /^[<=]/u.test(word) ? tokenOf.get(word) : undefined;
    const pieces = special === undefined ? mergePieces(Array.from(word), rankOf) : [word];
    return pieces.flatMap((piece) => tokenOf.get(piece) ?? []);
  };
  const encodeCached = (word: string): readonly number[] => {
    const tokens = cache.get(word) ?? encodeWord(word);
    cache.set(word, tokens);
    return tokens;
  };
  return {
    encode: (text) => (text.match(WORDS) ?? []).flatMap(encodeCached),
    decode: (tokens) => tokens.map((token) => vocab[token] ?? "").join(""),
  };
}

/** Joins the pair with the lowest rank, again and again, until no pair is known. */
function mergePieces(pieces: string[], rankOf: ReadonlyMap<string, number>): readonly string[] {
  while (pieces.length > 1) {
    const ranks = pieces
      .slice(1)
      .map((right, index) => rankOf.get(`${pieces[index]}\0${right}`) ?? Infinity);
    const lowest = Math.min(...ranks);
    if (lowest === Infinity) break;
    const at = ranks.indexOf(lowest);
    pieces.splice(at, 2, `${pieces[at]}${pieces[at + 1]}`);
  }
  return pieces;
}
