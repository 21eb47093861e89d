/** Schemas for the reference: one that JSON Schema cannot express is shown as any JSON. */
import { Schema } from "effect";
import type { AnySchema } from "../../steps/step.ts";

export const describable = (schema: AnySchema<unknown>): AnySchema<unknown> => {
  try {
    Schema.toJsonSchemaDocument(Schema.toCodecJson(schema));
    return schema;
  } catch {
    return Schema.Json.annotate({ description: "JSON whose schema cannot be shown" });
  }
};
