/** Answers that a user gives for the paths of a pipeline, checked: one that is not what it is said to be fails every path. */
import { Result, Schema } from "effect";
import type { StepNode } from "../../machines/plan.ts";
import { type Issue, sentenceOf } from "../../steps/failure.ts";
import { codecOf } from "../services/codecs.ts";
import { answerOf, withUrlsAsAssets } from "./raw-answers.ts";
import { checkNames, TestOptionError } from "./test-option-error.ts";

/** What a user says of a step's answers; the rest is made from the schemas. */
export interface GivenAnswers {
  readonly valid?: unknown;
  readonly invalid?: unknown;
  readonly refused?: Schema.Json;
}

/** Throws TestOptionError. */
export const checkGiven = ({ path, step }: StepNode, given: GivenAnswers): void => {
  checkNames(`answers.${path}`, Object.keys(given), ["valid", "invalid", "refused"]);
  const { problemOf, what } = judgeOf(step);
  for (const name of ["valid", "refused"] as const) {
    const problem = given[name] === undefined ? undefined : problemOf(given[name]);
    if (problem !== undefined)
      throw new TestOptionError(`answers.${path}.${name}`, `${what} (${problem})`, given[name]);
  }
  const { invalid } = given;
  if (invalid !== undefined && problemOf(invalid) === undefined)
    throw new TestOptionError(`answers.${path}.invalid`, `what is not ${what}`, invalid);
};

interface Judge {
  /** What an answer of the step is. */
  readonly what: string;
  /** Why a value is none; undefined where it is one. */
  readonly problemOf: (value: unknown) => string | undefined;
}

const judgeOf = ({ program, output }: StepNode["step"]): Judge => {
  if (program.kind === "run")
    return {
      what: "a value of the step's output schema",
      problemOf: (value) => problemIn(codecOf(output).encode(value)),
    };
  if (program.kind === "signal")
    return {
      what: "JSON of the signal's schema",
      problemOf: (value) => problemIn(codecOf(program.signal).decode(value)),
    };
  return {
    what: "an answer that the step's parser and schema take",
    problemOf: (value) =>
      isJson(value) &&
      (answerOf(program, value) !== undefined || answerOf(program, withUrlsAsAssets(value)))
        ? undefined
        : "they refuse it",
  };
};

const isJson = Schema.is(Schema.Json);

const problemIn = (result: Result.Result<unknown, ReadonlyArray<Issue>>): string | undefined =>
  Result.isFailure(result) ? sentenceOf(result.failure) : undefined;
