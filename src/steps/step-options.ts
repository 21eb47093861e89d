/**
 * What a step is made of, checked where it is made: where types are only stripped, a schema of another library or a
 * step without a function would first be met by a job, as a defect from deep within.
 */
import { Schema } from "effect";
import type { FailureKind } from "./failure.ts";
import { RetryPolicy } from "./retry.ts";

const kinds: ReadonlyArray<unknown> = [
  "validation",
  "timeout",
  "provider",
  "policy",
] satisfies ReadonlyArray<FailureKind>;

type Check = readonly [expected: string, isGood: (value: unknown) => boolean];

const schema: Check = ["a schema of effect", Schema.isSchema];
const aFunction: Check = ["a function", (value) => typeof value === "function"];

const checks: Readonly<Record<string, Check>> = {
  input: schema,
  output: schema,
  run: aFunction,
  request: aFunction,
  model: [
    'the name of a model, such as "owner/name"',
    (value) => typeof value === "string" && value !== "",
  ],
  fails: [
    `a list of some of ${kinds.join(", ")}`,
    (value) =>
      value === undefined || (Array.isArray(value) && value.every((kind) => kinds.includes(kind))),
  ],
  retry: [
    "a retry policy such as Retry.transient({ attempts: 3 })",
    (value) => value === undefined || Schema.is(RetryPolicy)(value),
  ],
};

/** Throws a TypeError that names the step, the option and what was expected, for the first that is not as it should be. */
export const checkStepOptions = (
  step: string,
  options: object,
  names: ReadonlyArray<string>,
): void => {
  for (const name of names) {
    const check = checks[name];
    if (check === undefined || check[1](Reflect.get(options, name))) continue;
    throw new TypeError(
      `step ${JSON.stringify(step)}: expected ${name} to be ${check[0]}, got ${described(Reflect.get(options, name))}`,
    );
  }
};

const described = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return JSON.stringify(value);
  return typeof value === "object" && value !== null ? "an object" : String(value);
};
