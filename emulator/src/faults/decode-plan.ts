/** Reads a fault plan that came over HTTP. A plan with a typing mistake would test nothing, so every word is checked. */
import { isJsonObject, type JsonObject } from "../json.ts";
import { ANNOUNCED_IN, OPERATIONS, type FaultRule } from "./fault.ts";

type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isCount: Check = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isFlag: Check = (value) => typeof value === "boolean";
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && words.includes(value);
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);

const MATCH: Readonly<Record<string, Check>> = {
  operation: oneOf(...OPERATIONS),
  model: optional(isText),
  nth: optional((value) => isCount(value) || (Array.isArray(value) && value.every(isCount))),
  probability: optional((value) => isCount(value) && Number(value) <= 1),
  seed: optional(isCount),
};

const OUTCOMES: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  failed: { error: isText },
  hang: { in: optional(oneOf("starting", "processing")) },
  "slow-boot": { bootMs: isCount },
  malformed: {},
  truncated: {},
  empty: {},
  null: {},
  output: { output: () => true },
};

const FAULTS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  "lost-answer": {
    by: oneOf("reset", "server-error", "hang", "html"),
    applied: isFlag,
    appliedAfterMs: optional(isCount),
    status: optional(isCount),
  },
  "rate-limited": {
    retryAfterSeconds: isCount,
    announcedIn: optional(oneOf(...ANNOUNCED_IN)),
    isLowCredit: optional(isFlag),
  },
  "insufficient-credit": {},
  unauthorized: {},
  "slow-answer": { delayMs: isCount },
  "stale-list": { staleMs: isCount },
  "ignored-cancel": {},
  "delayed-cancel": { delayMs: isCount },
  "broken-stream": { afterEvents: isCount },
  "expired-file": {},
  "truncated-file": { promisedLength: optional(oneOf("cut", "whole")) },
  "html-file": {},
  "dropped-webhook": {},
  "duplicated-webhook": {},
  "delayed-webhook": { delayMs: isCount },
  outcome: {
    outcome: (value) => isJsonObject(value) && firstProblem(value, "kind", OUTCOMES) === undefined,
  },
};

/** The rules of a plan (`[…]` or `{ rules: […] }`), or the first problem as a sentence. */
export function decodePlan(
  body: unknown,
): { readonly rules: readonly FaultRule[] } | { readonly problem: string } {
  const rules = isJsonObject(body) ? body["rules"] : body;
  if (!Array.isArray(rules))
    return { problem: "a plan is an array of rules, or an object with `rules`" };
  const decoded: FaultRule[] = [];
  for (const [index, rule] of rules.entries()) {
    if (!isRule(rule)) return { problem: `rule ${index}: ${ruleProblem(rule)}` };
    decoded.push(rule);
  }
  return { rules: decoded };
}

function isRule(rule: unknown): rule is FaultRule {
  return ruleProblem(rule) === undefined;
}

function ruleProblem(rule: unknown): string | undefined {
  if (!isJsonObject(rule) || !isJsonObject(rule["match"]) || !isJsonObject(rule["fault"])) {
    return "a rule is { match: {…}, fault: {…} }";
  }
  return fieldProblem(rule["match"], MATCH, []) ?? firstProblem(rule["fault"], "type", FAULTS);
}

function firstProblem(
  value: JsonObject,
  tag: string,
  kinds: Readonly<Record<string, Readonly<Record<string, Check>>>>,
): string | undefined {
  const kind = value[tag];
  const fields = typeof kind === "string" && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (fields === undefined) return `${tag} is one of ${Object.keys(kinds).join(", ")}`;
  return fieldProblem(value, fields, [tag]);
}

function fieldProblem(
  value: JsonObject,
  fields: Readonly<Record<string, Check>>,
  tags: readonly string[],
): string | undefined {
  const unknown = Object.keys(value).find(
    (key) => !tags.includes(key) && !Object.hasOwn(fields, key),
  );
  if (unknown !== undefined) return `unknown field ${unknown}`;
  const wrong = Object.entries(fields).find(([key, check]) => !check(value[key]));
  return wrong === undefined ? undefined : `wrong value for ${wrong[0]}`;
}
