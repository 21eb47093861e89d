/**
 * How a model is told what was wrong with its last answer. One wording for every step, so that a request
 * that says it already is recognised and not told twice.
 */
import type { Schema } from "effect";
import type { Repair } from "./step.ts";

const mark = "Your last answer could not be used:";

/** Enough to see what was wrong with it; a longer answer would fill the model's context with a failure. */
const maxAnswerLength = 4_000;

/** The prompt with the answer before and what was wrong with it at its end; as it is where nothing was, or where it says so. */
export const repairPrompt = (prompt: string, repair: Repair | undefined): string => {
  if (repair === undefined || prompt.includes(mark)) return prompt;
  const issues = repair.issues.map(
    ({ path, message }) => `- ${path === "" ? "answer" : path}: ${message}`,
  );
  return [
    prompt,
    "",
    mark,
    ...answered(repair.output),
    "What was wrong with it:",
    ...issues,
    "Answer again, with nothing but what was asked for.",
  ].join("\n");
};

const answered = (output: Schema.Json): ReadonlyArray<string> => {
  const text = textOf(output).trim();
  if (text === "" || text === "null") return [];
  return [text.length > maxAnswerLength ? `${text.slice(0, maxAnswerLength)}…` : text];
};

/** Language models answer text, or the pieces of one. */
const textOf = (output: Schema.Json): string => {
  if (typeof output === "string") return output;
  const isPieces = Array.isArray(output) && output.every((piece) => typeof piece === "string");
  return isPieces ? output.join("") : JSON.stringify(output);
};
