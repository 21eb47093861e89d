/**
 * Which assets a text names, in any form in which one is ever handed out: its SHA-256 as a word of its own,
 * or the place of its file. What only looks like a name counts as one: an asset too many is kept, none is
 * lost.
 */

/** SHA-256 in hex digits; the file system store puts a slash after the first two. */
const nameLength = 64;
const fileLength = 62;

const none: ReadonlyArray<string> = [];

const isHex = (code: number): boolean => (code >= 48 && code <= 57) || (code >= 97 && code <= 102);

/** The SHA-256 of every asset that the text, such as an entry's JSON, may name; each once. */
export const assetNamesIn = (text: string): ReadonlyArray<string> => {
  let names: Set<string> | undefined;
  // A run of that many digits has one at every such distance: most of the text is never looked at.
  for (let at = fileLength - 1; at < text.length; at += fileLength) {
    if (!isHex(text.charCodeAt(at))) continue;
    const { start, end } = runAround(text, at);
    const name = nameOf(text, start, end);
    if (name !== undefined) (names ??= new Set()).add(name);
    if (end > at + fileLength) at = end - 1;
  }
  return names === undefined ? none : [...names];
};

const runAround = (text: string, at: number): { readonly start: number; readonly end: number } => {
  let start = at;
  while (start > 0 && isHex(text.charCodeAt(start - 1))) start -= 1;
  let end = at + 1;
  while (end < text.length && isHex(text.charCodeAt(end))) end += 1;
  return { start, end };
};

const nameOf = (text: string, start: number, end: number): string | undefined => {
  if (end - start === nameLength) return text.slice(start, end);
  if (end - start !== fileLength || text[start - 1] !== "/") return undefined;
  const shelf = text.slice(Math.max(start - 3, 0), start - 1);
  return /^[0-9a-f]{2}$/.test(shelf) ? shelf + text.slice(start, end) : undefined;
};
