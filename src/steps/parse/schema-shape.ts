/** What a step's output schema says of the JSON that it decodes: what kind it is, its fields, and whether a value fits. */
import { Exit, Schema, SchemaAST } from "effect";

/** A schema without services, as the outputs of steps are. */
export type OutputSchema = Schema.Codec<unknown, unknown>;

export interface Field {
  readonly name: string;
  readonly isRequired: boolean;
  readonly type: SchemaAST.AST;
}

export interface Shape {
  readonly kind: "text" | "file" | "choice" | "object" | "list" | "other";
  /** Of an object with named fields; empty for all others. */
  readonly fields: ReadonlyArray<Field>;
  /** The words of a choice; empty for all others. */
  readonly choices: ReadonlyArray<string>;
  /** Whether the schema decodes the JSON value. What makes the schema itself throw fits: decoding will tell. */
  readonly fits: (value: unknown) => boolean;
}

export const shapeOf = (schema: OutputSchema): Shape => {
  const codec = Schema.toCodecJson(schema);
  const ast = SchemaAST.toEncoded(codec.ast);
  const fields = SchemaAST.isObjects(ast) ? ast.propertySignatures.flatMap(fieldOf) : [];
  const choices = choicesOf(ast);
  const kind = choices.length > 0 ? "choice" : kindOf(ast, fields);
  return { kind, fields, choices, fits: fitting(codec) };
};

const choicesOf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  const types = SchemaAST.isUnion(ast) ? ast.types : [ast];
  const words = types.flatMap((type) =>
    SchemaAST.isLiteral(type) && typeof type.literal === "string" ? [type.literal] : [],
  );
  return words.length === types.length ? words : [];
};

const fieldOf = ({ name, type }: SchemaAST.PropertySignature): ReadonlyArray<Field> =>
  typeof name === "string" ? [{ name, isRequired: type.context?.isOptional !== true, type }] : [];

const kindOf = (ast: SchemaAST.AST, fields: ReadonlyArray<Field>): Shape["kind"] => {
  if (SchemaAST.isString(ast)) return "text";
  if (SchemaAST.isArrays(ast)) return "list";
  if (!SchemaAST.isObjects(ast)) return "other";
  return fields.some(({ name }) => name === "sha256") ? "file" : "object";
};

const fitting = (codec: OutputSchema): Shape["fits"] => {
  const decode = Schema.decodeUnknownExit(codec);
  return (value) => {
    const exit = decode(value);
    return Exit.isSuccess(exit) || !exit.cause.reasons.some(({ _tag }) => _tag === "Fail");
  };
};
