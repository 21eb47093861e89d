/**
 * Strings of JSON, strict and as models write them: in single, curly, back or triple quotes, with line
 * breaks, with Markdown's escapes (`\_`), with quotes inside that are not escaped. The last are taken as
 * text only where they come in pairs around a phrase, as quotes in text do; anything else is refused,
 * because where such a string ends can only be guessed.
 */
import type { Cursor, Dialect } from "./json-tokens.ts";

/** The string as strict JSON, or what is wrong with it, with the cursor where it shows. */
export type StringRead =
  | { readonly isString: true; readonly json: string }
  | { readonly isString: false; readonly message: string; readonly isCutOff: boolean };

export type Role = "key" | "value";

const wrong = (message: string): StringRead => ({ isString: false, message, isCutOff: false });
const unended = (role: Role): StringRead => ({
  isString: false,
  message: role === "key" ? "a key is not ended" : "a text is not ended",
  isCutOff: true,
});

/** What ends a string, by what begins it. */
const closers: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["“", "“”"],
  ["”", "“”"],
  ["„", "“”"],
  ["‘", "‘’"],
  ["’", "‘’"],
]);

export const isQuote = (character: string, dialect: Dialect): boolean =>
  dialect === "strict" ? character === '"' : closers.has(character);

/** Reads the string that begins at the cursor. */
export const readString = (cursor: Cursor, dialect: Dialect, role: Role): StringRead => {
  if (dialect === "strict") return readStrict(cursor, role);
  return cursor.text.startsWith('"""', cursor.at) && role === "value"
    ? readTriple(cursor)
    : readLenient(cursor, role);
};

/** Anything from the space on but `"` and `\\`. */
const strictPart = /[ !#-[\]-\uffff]*/y;
const strictEscape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

const lengthOf = (pattern: RegExp, { text, at }: Cursor): number => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
};

const readStrict = (cursor: Cursor, role: Role): StringRead => {
  const start = cursor.at;
  cursor.at += 1;
  while (true) {
    cursor.at += lengthOf(strictPart, cursor);
    const character = cursor.text[cursor.at];
    if (character === undefined) return unended(role);
    if (character === '"') break;
    const escape = lengthOf(strictEscape, cursor);
    if (escape === 0)
      return wrong(character === "\\" ? "a wrong escape" : "a line break in a text");
    cursor.at += escape;
  }
  cursor.at += 1;
  return { isString: true, json: cursor.text.slice(start, cursor.at) };
};

/** Python's long strings: nothing in them is a quote or an escape. */
const readTriple = (cursor: Cursor): StringRead => {
  const end = cursor.text.indexOf('"""', cursor.at + 3);
  if (end < 0) {
    cursor.at = cursor.text.length;
    return unended("value");
  }
  const content = cursor.text.slice(cursor.at + 3, end);
  if (content.includes("\\")) return wrong("a backslash in a triple-quoted text");
  cursor.at = end + 3;
  return { isString: true, json: JSON.stringify(content.trim()) };
};

const readLenient = (cursor: Cursor, role: Role): StringRead => {
  const { text } = cursor;
  const ends = closers.get(text[cursor.at] ?? "") ?? "";
  const parts: Array<string> = [];
  let isInPhrase = false;
  cursor.at += 1;
  while (true) {
    const character = text[cursor.at];
    if (character === undefined) return unended(role);
    if (character === "\\") {
      if (cutEscape.test(text.slice(cursor.at, cursor.at + 6))) return unended(role);
      const escaped = readEscape(cursor);
      if (escaped === undefined) return wrong(`"\\${text[cursor.at + 1] ?? ""}" is no escape`);
      parts.push(escaped);
    } else if (!ends.includes(character) || isApostrophe(text, cursor.at)) {
      const part = partUntil(cursor, ends);
      parts.push(part);
    } else if (role === "key" || isEnd(cursor)) {
      if (isInPhrase) return wrong("quotes inside a text are not escaped");
      cursor.at += 1;
      return { isString: true, json: JSON.stringify(parts.join("")) };
    } else {
      if (
        !(isInPhrase
          ? endsPhrase(text, cursor.at)
          : beginsPhrase(text, cursor.at, parts.length === 0))
      )
        return wrong("quotes inside a text are not escaped");
      isInPhrase = !isInPhrase;
      parts.push(character);
      cursor.at += 1;
    }
  }
};

/** At least one character, and on to the next that could mean something. */
const partUntil = (cursor: Cursor, ends: string): string => {
  const start = cursor.at;
  cursor.at += 1;
  while (cursor.at < cursor.text.length) {
    const character = cursor.text[cursor.at] ?? "";
    if (character === "\\" || ends.includes(character)) break;
    cursor.at += 1;
  }
  return cursor.text.slice(start, cursor.at);
};

const escapes: ReadonlyMap<string, string> = new Map([
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
/** Punctuation that Markdown gives a meaning, and writers an escape for it. */
const markdown = /[\\`*_{}[\]()#+.!|&~<>$'"/-]/;
const cutEscape = /^\\(?:u[0-9a-fA-F]{0,3})?$/;
const unicode = /\\u([0-9a-fA-F]{4})/y;

/** What an escape stands for; Markdown's stand for what they escape. */
const readEscape = (cursor: Cursor): string | undefined => {
  const escaped = cursor.text[cursor.at + 1] ?? "";
  unicode.lastIndex = cursor.at;
  const [whole, hex = ""] = unicode.exec(cursor.text) ?? [];
  if (whole !== undefined) {
    cursor.at += whole.length;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }
  const meaning = escapes.get(escaped) ?? (markdown.test(escaped) ? escaped : undefined);
  if (meaning !== undefined) cursor.at += 2;
  return meaning;
};

const isApostrophe = (text: string, at: number): boolean =>
  /['’]/.test(text[at] ?? "") && /\p{L}/u.test(text[at - 1] ?? "") && isLetter(text[at + 1]);

const isLetter = (character = ""): boolean => /\p{L}/u.test(character);

const structural = /[ \t\r]*(?:[,}\]\n]|\/\/|\/\*|#|$)/y;

/** Whether the quote at the cursor is followed by what follows a value. */
const isEnd = ({ text, at }: Cursor): boolean => {
  structural.lastIndex = at + 1;
  return structural.test(text);
};

/** `isFirst`: nothing of the text stands before the quote. */
const beginsPhrase = (text: string, at: number, isFirst: boolean): boolean =>
  (isFirst || /[\s([{“‘—–-]/.test(text[at - 1] ?? "")) && /[^\s,:;"'`“”]/.test(text[at + 1] ?? "");

const endsPhrase = (text: string, at: number): boolean =>
  /\S/.test(text[at - 1] ?? "") && /[\s.;!?)\]'’”—–-]/.test(text[at + 1] ?? "");
