/**
 * The text of a field as the JSON that its schema takes. In labelled lines everything is text by nature,
 * so numbers, truth values, choices and lists are read from it here; what does not read as any of them
 * stays text, for decoding to refuse by its path.
 */
import { SchemaAST } from "effect";
import { soleJson } from "./json.ts";

/** What a field's schema takes, alternatives side by side. */
interface Taken {
  readonly isText: boolean;
  readonly isNumber: boolean;
  readonly isBoolean: boolean;
  readonly isNull: boolean;
  readonly isList: boolean;
  readonly isJson: boolean;
  readonly items: ReadonlyArray<SchemaAST.AST>;
  readonly choices: ReadonlyArray<string | number | boolean>;
}

const nothing: Taken = {
  isText: false,
  isNumber: false,
  isBoolean: false,
  isNull: false,
  isList: false,
  isJson: false,
  items: [],
  choices: [],
};

/** References to themselves are followed so far. */
const maxDepth = 8;

const takenBy = (ast: SchemaAST.AST, depth = 0): Taken => {
  if (depth > maxDepth) return nothing;
  if (SchemaAST.isUnion(ast))
    return ast.types.map((type) => takenBy(type, depth + 1)).reduce(either, nothing);
  if (SchemaAST.isSuspend(ast)) return takenBy(ast.thunk(), depth + 1);
  if (SchemaAST.isLiteral(ast) && typeof ast.literal !== "bigint")
    return { ...nothing, choices: [ast.literal] };
  return {
    ...nothing,
    isText: SchemaAST.isString(ast) || SchemaAST.isTemplateLiteral(ast),
    isNumber: SchemaAST.isNumber(ast),
    isBoolean: SchemaAST.isBoolean(ast),
    isNull: SchemaAST.isNull(ast),
    isList: SchemaAST.isArrays(ast),
    isJson: SchemaAST.isObjects(ast),
    items: SchemaAST.isArrays(ast) ? ast.rest : [],
  };
};

const either = (one: Taken, other: Taken): Taken => ({
  isText: one.isText || other.isText,
  isNumber: one.isNumber || other.isNumber,
  isBoolean: one.isBoolean || other.isBoolean,
  isNull: one.isNull || other.isNull,
  isList: one.isList || other.isList,
  isJson: one.isJson || other.isJson,
  items: [...one.items, ...other.items],
  choices: [...one.choices, ...other.choices],
});

/** Whether any words would do, so that nothing but its end tells where the text ends. */
export const takesAnyText = (type: SchemaAST.AST): boolean => takenBy(type).isText;

export const fieldValue = (type: SchemaAST.AST, text: string): unknown => {
  const taken = takenBy(type);
  const value = unwrapped(text);
  const choice = choiceIn(taken.choices, value);
  if (choice !== undefined) return choice;
  if (taken.isText) return value;
  const plain = plainValue(taken, value);
  if (plain !== undefined) return plain;
  const [json] = taken.isList || taken.isJson ? soleJson(value) : [];
  if (json !== undefined) return json;
  return taken.isList ? itemsOf(taken.items, value) : value;
};

/** Numbers are read whole or not at all: `8/10`, `85%` and `1,000` stay text. */
const plainValue = (taken: Taken, value: string): unknown => {
  const word = value.toLowerCase();
  if (taken.isNumber && /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?$/.test(word))
    return Number(word);
  if (taken.isBoolean && (word === "true" || word === "yes")) return true;
  if (taken.isBoolean && (word === "false" || word === "no")) return false;
  return taken.isNull && word === "null" ? null : undefined;
};

/** The choice that the text names, whatever its case. */
export const choiceIn = (
  choices: Taken["choices"],
  text: string,
): string | number | boolean | undefined => {
  const exact = choices.find((choice) => String(choice) === text);
  const alike = choices.filter((choice) => String(choice).toLowerCase() === text.toLowerCase());
  return exact ?? (alike.length === 1 ? alike[0] : undefined);
};

const bullet = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+/;

/** A line each where there are marks, else what commas separate. */
const itemsOf = (types: ReadonlyArray<SchemaAST.AST>, text: string): unknown => {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const isMarked = lines.every((line) => bullet.test(line));
  if (!isMarked && lines.length > 1) return text;
  const items = isMarked ? lines.map((line) => line.replace(bullet, "")) : text.split(",");
  const union = types.map((type) => takenBy(type)).reduce(either, nothing);
  return items.map((item) => itemValue(union, unwrapped(item)));
};

const itemValue = (taken: Taken, text: string): unknown =>
  choiceIn(taken.choices, text) ?? (taken.isText ? text : (plainValue(taken, text) ?? text));

const wrappings: ReadonlyArray<readonly [string, string]> = [
  ["**", "**"],
  ['"', '"'],
  ["“", "”"],
  ["`", "`"],
  ["'", "'"],
  ["*", "*"],
  ["_", "_"],
];
const fenced = /^(`{3,}|~{3,})[\w-]*\n([^]*)\n\1$/;

/** The text without the quotes, emphasis or fence around all of it. */
export const unwrapped = (text: string): string => {
  const trimmed = text.trim();
  const content = fenced.exec(trimmed)?.[2];
  if (content !== undefined) return content.trim();
  for (const [open, close] of wrappings) {
    if (trimmed.length <= open.length + close.length) continue;
    if (!trimmed.startsWith(open) || !trimmed.endsWith(close)) continue;
    const inside = trimmed.slice(open.length, -close.length);
    if (!inside.includes(open) && !inside.includes(close)) return unwrapped(inside);
  }
  return trimmed;
};
