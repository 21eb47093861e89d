/** Reads a fault plan that came over HTTP. A plan with a typing mistake would test nothing, so every word is checked. */
import { isJsonObject, type JsonObject } from "../json.ts";
import { allModels } from "../models/catalog.ts";
import { ANNOUNCED_IN, type Fault, type FaultRule, type Operation, OPERATIONS } from "./fault.ts";

/** What a field may hold, and the words for it. */
interface Check {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

type Fields = Readonly<Record<string, Check>>;

const isCount = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && value >= 0;
const isOrdinal = (value: unknown): boolean =>
  isCount(value) && Number.isInteger(value) && value > 0;

const text: Check = { expected: "a text", holds: (value) => typeof value === "string" };
const count: Check = { expected: "a number of at least 0", holds: isCount };
const flag: Check = { expected: "true or false", holds: (value) => typeof value === "boolean" };
const json: Check = { expected: "any JSON", holds: (value) => value !== undefined };
const share: Check = {
  expected: "a number from 0 to 1",
  holds: (value) => isCount(value) && value <= 1,
};
const errorStatus: Check = {
  expected: "a status from 500 to 599",
  holds: (value) => isCount(value) && Number.isInteger(value) && value >= 500 && value < 600,
};
const ordinals: Check = {
  expected: "a whole number from 1, or a list of such",
  holds: (value) =>
    Array.isArray(value) ? value.length > 0 && value.every(isOrdinal) : isOrdinal(value),
};
const oneOf = (...words: readonly string[]): Check => ({
  expected: `one of ${words.join(", ")}`,
  holds: (value) => typeof value === "string" && words.includes(value),
});
const optional = ({ expected, holds }: Check): Check => ({
  expected,
  holds: (value) => value === undefined || holds(value),
});

const MATCH: Fields = {
  operation: oneOf(...OPERATIONS),
  model: optional(oneOf(...allModels().map(({ fullName }) => fullName))),
  nth: optional(ordinals),
  probability: optional(share),
  seed: optional(count),
};

const OUTCOMES: Readonly<Record<string, Fields>> = {
  failed: { error: text },
  hang: { in: optional(oneOf("starting", "processing")) },
  "slow-boot": { bootMs: count },
  malformed: {},
  truncated: {},
  empty: {},
  null: {},
  output: { output: json },
};

interface FaultKind {
  readonly fields: Fields;
  /** Anywhere else the fault would change nothing. */
  readonly at: readonly Operation[];
}

/** Everything that is asked of the provider; a webhook it sends by itself. */
const REQUESTS = OPERATIONS.filter((operation) => operation !== "webhook");

const FAULTS: Readonly<Record<Fault["type"], FaultKind>> = {
  "lost-answer": {
    fields: {
      by: oneOf("reset", "server-error", "hang", "html"),
      applied: flag,
      appliedAfterMs: optional(count),
      status: optional(errorStatus),
    },
    at: REQUESTS,
  },
  "rate-limited": {
    fields: {
      retryAfterSeconds: count,
      announcedIn: optional(oneOf(...ANNOUNCED_IN)),
      isLowCredit: optional(flag),
    },
    at: REQUESTS,
  },
  "insufficient-credit": { fields: {}, at: REQUESTS },
  unauthorized: { fields: {}, at: REQUESTS },
  "slow-answer": { fields: { delayMs: count }, at: REQUESTS },
  "stale-list": { fields: { staleMs: count }, at: ["list"] },
  "ignored-cancel": { fields: {}, at: ["cancel"] },
  "delayed-cancel": { fields: { delayMs: count }, at: ["cancel"] },
  "broken-stream": { fields: { afterEvents: count }, at: ["stream"] },
  "expired-file": { fields: {}, at: ["file"] },
  "truncated-file": { fields: { promisedLength: optional(oneOf("cut", "whole")) }, at: ["file"] },
  "html-file": { fields: {}, at: ["file"] },
  "dropped-webhook": { fields: {}, at: ["webhook"] },
  "duplicated-webhook": { fields: {}, at: ["webhook"] },
  "delayed-webhook": { fields: { delayMs: count }, at: ["webhook"] },
  outcome: { fields: { outcome: json }, at: ["create"] },
};

/** The rules of a plan (`[…]` or `{ rules: […] }`), or the first problem as a sentence. */
export function decodePlan(
  body: unknown,
): { readonly rules: readonly FaultRule[] } | { readonly problem: string } {
  const rules = isJsonObject(body) && Object.keys(body).length === 1 ? body["rules"] : body;
  if (!Array.isArray(rules))
    return { problem: "a plan is an array of rules, or an object with nothing but `rules`" };
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
  if (!isJsonObject(rule) || !isJsonObject(rule["match"]) || !isJsonObject(rule["fault"]))
    return "a rule is { match: {…}, fault: {…} }";
  const { match, fault, ...others } = rule;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return `unknown field ${unknown}: a rule has match and fault`;
  return fieldProblem("match", match, MATCH) ?? faultProblem(fault, match);
}

function faultProblem(fault: JsonObject, match: JsonObject): string | undefined {
  const { type, ...fields } = fault;
  const kind = isFault(type) ? FAULTS[type] : undefined;
  if (kind === undefined) return `fault.type is one of ${Object.keys(FAULTS).join(", ")}`;
  const problem = fieldProblem("fault", fields, kind.fields);
  if (problem !== undefined) return problem;
  const { operation, model } = match;
  if (!kind.at.some((one) => one === operation))
    return `${String(type)} changes nothing at ${String(operation)}: match.operation is one of ${kind.at.join(", ")}`;
  if (model !== undefined && (operation === "list" || operation === "upload"))
    return `match.model: a request of ${operation} is about no model`;
  return type === "outcome" ? outcomeProblem(fields["outcome"]) : undefined;
}

function isFault(type: unknown): type is Fault["type"] {
  return typeof type === "string" && Object.hasOwn(FAULTS, type);
}

function outcomeProblem(outcome: unknown): string | undefined {
  const { kind, ...fields } = isJsonObject(outcome) ? outcome : {};
  const known = typeof kind === "string" && Object.hasOwn(OUTCOMES, kind) ? OUTCOMES[kind] : null;
  if (known == null) return `fault.outcome.kind is one of ${Object.keys(OUTCOMES).join(", ")}`;
  return fieldProblem("fault.outcome", fields, known);
}

function fieldProblem(at: string, value: JsonObject, fields: Fields): string | undefined {
  const unknown = Object.keys(value).find((key) => !Object.hasOwn(fields, key));
  if (unknown !== undefined) {
    const known = Object.keys(fields).join(", ") || "none";
    return `unknown field ${at}.${unknown}; the fields are ${known}`;
  }
  const wrong = Object.entries(fields).find(([key, { holds }]) => !holds(value[key]));
  if (wrong === undefined) return undefined;
  const [key, { expected }] = wrong;
  return `wrong value for ${at}.${key}: expected ${expected}, got ${JSON.stringify(value[key]) ?? "nothing"}`;
}
