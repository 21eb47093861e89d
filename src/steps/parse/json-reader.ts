/**
 * Reads one object or list out of a text, from a bracket on. Iterative, so that no nesting exhausts the
 * stack, and forward only: reading costs one pass whatever the text holds. What is missing is never made
 * up: a text that ends too early, a value that is not there or is left out as `...` is trouble.
 */
import type { Issue } from "../failure.ts";
import { isQuote, readString, type Role } from "./json-strings.ts";
import { type Cursor, type Dialect, passSpace, readAtom, readName } from "./json-tokens.ts";
import { cutOff, type Trouble } from "./trouble.ts";

/** `json` is strict JSON of what stands before `end`. */
export interface JsonRead {
  readonly json: string;
  readonly end: number;
}

/** Deeper values are nobody's answer, and would exhaust the stack of what reads them next. */
const maxDepth = 500;

/** `start` is where the text has a `{` or `[`. */
export const readJson = (text: string, start: number, dialect: Dialect): JsonRead | Trouble => {
  const cursor = { text, at: start };
  const reading: Reading = { cursor, dialect, frames: [], written: [], stringAt: null };
  open(reading);
  while (true) {
    const problem = readOn(reading);
    if (problem !== null) return troubleOf(reading, start, problem);
    if (reading.frames.length > 0) continue;
    const end = cursor.at;
    return { json: dialect === "strict" ? text.slice(start, end) : reading.written.join(""), end };
  }
};

/** An open object or list, and what it awaits: its first element or its end, an element, or a comma. */
interface Frame {
  readonly isList: boolean;
  awaits: "first" | "element" | "comma";
  count: number;
  /** The key or index of the element that is being read. */
  place: string | null;
  keys: Set<string> | null;
}

interface Reading {
  readonly cursor: Cursor;
  readonly dialect: Dialect;
  readonly frames: Array<Frame>;
  /** Strict JSON of what was read; unused where the text is strict itself. */
  readonly written: Array<string>;
  /** Where the string begins that was read last, with nothing but space after it. */
  stringAt: number | null;
}

interface Problem {
  readonly message: string;
  /** Whether the sentence goes on with what came instead. */
  readonly isShown: boolean;
  /** After what is `final`, nothing in the text can be trusted to stand for itself. */
  readonly kind: "wrong" | "cutOff" | "final";
}

const wrong = (message: string): Problem => ({ message, isShown: false, kind: "wrong" });
const unexpected = (message: string): Problem => ({ message, isShown: true, kind: "wrong" });
const final = (message: string): Problem => ({ message, isShown: false, kind: "final" });

const write = ({ dialect, written }: Reading, json: string): void => {
  if (dialect === "lenient") written.push(json);
};

/** The next characters, for a sentence. */
const next = ({ text, at }: Cursor): string => JSON.stringify(text.slice(at, at + 12));

const open = (reading: Reading): void => {
  const bracket = reading.cursor.text[reading.cursor.at] ?? "";
  reading.cursor.at += 1;
  reading.stringAt = null;
  reading.frames.push({
    isList: bracket === "[",
    awaits: "first",
    count: 0,
    place: null,
    keys: null,
  });
  write(reading, bracket);
};

const close = (reading: Reading): null => {
  write(reading, reading.cursor.text[reading.cursor.at] ?? "");
  reading.cursor.at += 1;
  reading.stringAt = null;
  reading.frames.pop();
  const parent = reading.frames.at(-1);
  if (parent !== undefined) parent.place = null;
  return null;
};

/** Reads one comma, one element as far as its first bracket, or one closing bracket. */
const readOn = (reading: Reading): Problem | null => {
  const { cursor, dialect, frames } = reading;
  const frame = frames.at(-1);
  if (frame === undefined) return null;
  const space = passSpace(cursor, dialect);
  if (space.objection !== null) return wrong(space.objection);
  const character = cursor.text[cursor.at];
  if (character === undefined) return unended(frame);
  const mayEnd = frame.awaits !== "element" || dialect === "lenient";
  const closing = frame.isList ? "]" : "}";
  if (character === closing && mayEnd) return close(reading);
  if (frame.awaits !== "comma") return readElement(reading, frame);
  if (character === ",") {
    cursor.at += 1;
    reading.stringAt = null;
    frame.awaits = "element";
    return null;
  }
  // Between two lines a comma is forgotten now and then; within one its lack may mean anything.
  if (dialect === "lenient" && space.hasLineBreak) return readElement(reading, frame);
  return unexpected(`expected "," or "${closing}"`);
};

const unended = ({ isList }: Frame): Problem => ({
  message: isList ? "a list is not ended" : "an object is not ended",
  isShown: false,
  kind: "cutOff",
});

const readElement = (reading: Reading, frame: Frame): Problem | null => {
  if (frame.count > 0) write(reading, ",");
  if (frame.isList) frame.place = String(frame.count);
  const problem = frame.isList ? null : readKey(reading, frame);
  return problem ?? readValue(reading, frame);
};

const readKey = (reading: Reading, frame: Frame): Problem | null => {
  const { cursor, dialect } = reading;
  const isQuoted = isQuote(cursor.text[cursor.at] ?? "", dialect);
  if (!isQuoted && dialect === "strict") return wrongKey;
  const read = isQuoted ? readText(reading, "key") : (readName(cursor) ?? wrongKey);
  if (typeof read !== "string") return read;
  const before = passSpace(cursor, dialect);
  if (before.objection !== null) return wrong(before.objection);
  if (cursor.at === cursor.text.length) return unended(frame);
  if (cursor.text[cursor.at] !== ":") return unexpected(`expected ":" after a key`);
  cursor.at += 1;
  reading.stringAt = null;
  const key = String(JSON.parse(read));
  frame.place = key;
  frame.keys ??= new Set();
  if (frame.keys.has(key)) return final("two values for one key");
  frame.keys.add(key);
  write(reading, `${read}:`);
  const after = passSpace(cursor, dialect);
  return after.objection === null ? null : wrong(after.objection);
};

const wrongKey = unexpected("expected a key in quotes");

const readValue = (reading: Reading, frame: Frame): Problem | null => {
  const { cursor, dialect } = reading;
  const character = cursor.text[cursor.at] ?? "";
  frame.awaits = "comma";
  if (character === "{" || character === "[") {
    if (reading.frames.length === maxDepth) return final(`nested deeper than ${maxDepth}`);
    frame.count += 1;
    open(reading);
    return null;
  }
  const read = isQuote(character, dialect) ? readText(reading, "value") : readPlain(reading, frame);
  if (typeof read !== "string") return read;
  write(reading, read);
  frame.count += 1;
  frame.place = null;
  return null;
};

const readText = (reading: Reading, role: Role): string | Problem => {
  reading.stringAt = reading.cursor.at;
  const read = readString(reading.cursor, reading.dialect, role);
  return read.isString
    ? read.json
    : { message: read.message, isShown: false, kind: read.isCutOff ? "cutOff" : "wrong" };
};

/** A number or word; one that the text's end cuts short is cut off. */
const readPlain = (reading: Reading, frame: Frame): string | Problem => {
  const { cursor, dialect } = reading;
  reading.stringAt = null;
  const rest = cursor.text.slice(cursor.at, cursor.at + maxPlainLength);
  const atom = readAtom(cursor, dialect);
  if (atom !== undefined) return atom;
  return /^[-+.\w]*$/.test(rest) && rest.length < maxPlainLength
    ? unended(frame)
    : unexpected("expected a value");
};

const maxPlainLength = 40;

/** A path is read by people; what is nested deeper is told by the place where it begins. */
const longestPath = 12;

/** The sentence is made only where it is wanted: a long text of braces is full of trouble. */
const troubleOf = (reading: Reading, start: number, problem: Problem): Trouble => {
  const { frames, stringAt } = reading;
  const [outer] = frames;
  const isBegun =
    outer !== undefined && (outer.count > 0 || (!outer.isList && outer.place !== null));
  return {
    issue: () => issueOf(reading, problem),
    isCutOff: problem.kind === "cutOff",
    hasContent: isBegun || stringAt !== null,
    resumeAt: problem.kind === "wrong" ? Math.max(start + 1, resumption(reading)) : null,
  };
};

const issueOf = ({ cursor, frames }: Reading, { message, isShown, kind }: Problem): Issue => {
  const path = frames
    .slice(0, longestPath)
    .flatMap(({ place }) => (place === null ? [] : [place]))
    .join(".");
  if (kind === "cutOff") return cutOff(path, message);
  return { path, message: `expected JSON: ${message}${isShown ? `, got ${next(cursor)}` : ""}` };
};

/**
 * What was read before the trouble is not looked at again: whatever is still open there would end in the
 * same trouble. A strict string may have been no string but prose between quotes, so it is; a lenient one
 * is not, as that could cost a pass for each of them.
 */
const resumption = ({ cursor, dialect, stringAt }: Reading): number =>
  dialect === "strict" && stringAt !== null ? stringAt + 1 : cursor.at;
