/** What a step's answer is by default for a schema that is neither plain text nor a file: JSON, else labelled lines or a choice. */
import { Result, type Schema } from "effect";
import { withoutLabel, withoutThoughts } from "./answer-text.ts";
import { choiceIn, unwrapped } from "./field-values.ts";
import { fieldsIn } from "./fields.ts";
import { type Issues, jsonIn, jsonInValue, soleJson } from "./json.ts";
import type { Shape } from "./schema-shape.ts";

type Parsed = Result.Result<unknown, Issues>;

/** Without a shape any JSON will do, and nothing else. */
export const answerOf = (output: Schema.Json, shape: Shape | null): Parsed =>
  typeof output === "string"
    ? Result.flatMap(withoutThoughts(output), (text) => answerInText(text, shape))
    : (jsonInValue(output, shape) ?? answerInTokens(output, shape));

const answerInText = (text: string, shape: Shape | null): Parsed => {
  if (text === "")
    return Result.fail([{ path: "", message: "expected JSON, got an empty answer" }]);
  const json = jsonIn(text, shape);
  if (json.isMeant || shape === null) return json.result;
  const fields = shape.kind === "object" ? fieldsIn(text, shape) : undefined;
  if (fields?.isMeant === true) return fields.result;
  const choice = chosen(shape.choices, unwrapped(withoutLabel(text)));
  if (choice !== undefined) return Result.succeed(choice);
  return shape.fits(text) ? Result.succeed(text) : json.result;
};

/** A choice needs no quotes, and may end as a sentence does; among other words it is none. */
const chosen = (choices: Shape["choices"], text: string) =>
  choiceIn(choices, text) ?? choiceIn(choices, text.replace(/[.!]$/, ""));

/** A list of tokens that nobody joined, as the model's schema says nothing of it: only where the join is an object or a list. */
const answerInTokens = (output: Schema.Json, shape: Shape | null): Parsed => {
  const isTokens = Array.isArray(output) && output.every((token) => typeof token === "string");
  if (!isTokens) return Result.succeed(output);
  const joined = output.join("");
  const answer = shape === null ? soleJson(joined) : answersIn(joined, shape);
  return Result.succeed(answer.length === 0 ? output : answer[0]);
};

const answersIn = (text: string, shape: Shape): ReadonlyArray<unknown> => {
  const answer = answerOf(text, shape);
  return Result.isSuccess(answer) &&
    typeof answer.success === "object" &&
    shape.fits(answer.success)
    ? [answer.success]
    : [];
};
