/** Tells a language model what its answer has to look like, from the schema that will decode it, and what was wrong with the last one. */
import { Schema } from "effect";
import { repairPrompt } from "../repair-prompt.ts";
import type { AnySchema, Repair } from "../step.ts";
import { isText } from "./picked.ts";

/** The prompt with the wanted shape at its end, which goes without saying for text, and below it the repair, if any. */
export const promptForAnswer = (
  prompt: string,
  schema: AnySchema<unknown>,
  repair: Repair | undefined,
): string => repairPrompt(isText(schema) ? prompt : shaped(prompt, schema), repair);

const shaped = (prompt: string, schema: AnySchema<unknown>): string =>
  [
    prompt,
    "",
    "Answer with one JSON value and nothing else: no words around it, no code fence. It has to fit this JSON Schema:",
    JSON.stringify(jsonSchemaOf(schema)),
  ].join("\n");

const jsonSchemaOf = (schema: AnySchema<unknown>): object => {
  const { schema: root, definitions } = Schema.toJsonSchemaDocument(schema, {
    generateDescriptions: true,
    onExcessProperty: "error",
  });
  return Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions };
};
