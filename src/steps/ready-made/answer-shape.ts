/** Tells a language model what its answer has to look like, from the schema that will decode it. */
import { Schema } from "effect";
import type { AnySchema } from "../step.ts";
import { isText } from "./picked.ts";

/** The prompt with the wanted shape at its end; as it is where text is wanted. */
export const promptForShape = (prompt: string, schema: AnySchema<unknown>): string =>
  isText(schema)
    ? prompt
    : [
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
