/**
 * What a ready-made step takes from its input: the input itself where it is of that kind already, else
 * what a function of the user's picks from it. The compiler asks for that function only where it is needed.
 */
import { Schema, SchemaAST } from "effect";
import { Asset } from "../asset.ts";
import type { AnySchema } from "../step.ts";

/** Makes the option `Key`, which picks from the input, a required one where the input is no `Own` itself. */
export type PickedUnless<Own, I, Key extends string> = [I] extends [Own]
  ? unknown
  : { readonly [K in Key]: unknown };

/** Content that can be checked, extracted from or captioned. */
export type Content = string | Asset;

const isAsset = Schema.is(Asset.Any);

/** Either kind of content, as a schema. */
export const Content: AnySchema<Content> = Schema.Union([Schema.String, Asset.Any]);

/** The schema that was given. Where none was, nothing told the compiler what A is: it has its default. */
export const schemaOr = <A>(given: AnySchema<A> | undefined, otherwise: AnySchema<unknown>) =>
  // The default of A and `otherwise` are written beside each other where a step declares them.
  given ?? (otherwise as AnySchema<A>);

/** Whether what the schema stands for is written as text. */
export const isText = (schema: Schema.Top): boolean =>
  SchemaAST.isString(SchemaAST.toEncoded(schema.ast));

/** Whether it stands for a file. */
export const isFile = (schema: Schema.Top): boolean => {
  const encoded = SchemaAST.toEncoded(schema.ast);
  return (
    SchemaAST.isObjects(encoded) && encoded.propertySignatures.some(({ name }) => name === "sha256")
  );
};

/** What the function picks; the input itself where there is none. */
export const pickedFrom = <I>(pick: ((input: I) => unknown) | undefined, input: I): unknown =>
  pick === undefined ? input : pick(input);

const refuseContent = (option: string, expected: string, got: unknown): never => {
  const found = isAsset(got) ? `a file of type ${got.contentType}` : typeof got;
  throw new TypeError(`expected ${option} to give ${expected}, got ${found}`);
};

/** The text that was picked. Throws a TypeError that names the option where it is none. */
export const textIn = (option: string, picked: unknown): string =>
  typeof picked === "string" ? picked : refuseContent(option, "text", picked);

/** The file that was picked. Throws a TypeError that names the option where it is none. */
export const fileIn = (option: string, picked: unknown): Asset =>
  isAsset(picked) ? picked : refuseContent(option, "a file", picked);

/** The text or file that was picked. Throws a TypeError that names the option where it is neither. */
export const contentIn = (option: string, picked: unknown): Content =>
  typeof picked === "string" || isAsset(picked)
    ? picked
    : refuseContent(option, "text or a file", picked);
