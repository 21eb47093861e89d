/**
 * Labelled lines read as an object: labels name the schema's fields whatever their case, spaces, hyphens
 * and underscores. Every required field has to be there; nothing is made up, and two different texts for
 * one field are refused.
 */
import { Result } from "effect";
import type { Issue } from "../failure.ts";
import { fencedBlocks } from "./answer-text.ts";
import { type Section, sectionsOf } from "./field-lines.ts";
import { taggedSections } from "./field-tags.ts";
import { fieldValue, takesAnyText } from "./field-values.ts";
import type { Field, Shape } from "./schema-shape.ts";

export interface FieldsAnswer {
  readonly result: Result.Result<unknown, ReadonlyArray<Issue>>;
  /** At least one of the schema's labels was there. */
  readonly isMeant: boolean;
}

/** The labelled lines of a fenced block that has all of them, else those of the whole answer. */
export const fieldsIn = (text: string, shape: Shape): FieldsAnswer => {
  const blocks = fencedBlocks(text).map((block) => readFields(block, shape));
  const whole = blocks.find(({ isMeant, result }) => isMeant && Result.isSuccess(result));
  return whole ?? readFields(text, shape);
};

/** `Visual direction`, `visual_direction` and `visualDirection` are one label. */
const labelKey = (label: string): string => label.toLowerCase().replace(/[\s_/()-]/g, "");

/** Two names that only case or spaces tell apart need labels that are the names themselves. */
const fieldNamer = (names: ReadonlyArray<string>) => {
  const byKey = Map.groupBy(names, labelKey);
  return (label: string): string | undefined => {
    const alike = byKey.get(labelKey(label)) ?? [];
    return alike.length === 1 ? alike[0] : alike.find((name) => name === label);
  };
};

const readFields = (text: string, { fields }: Shape): FieldsAnswer => {
  const fieldOf = fieldNamer(fields.map(({ name }) => name));
  const tagged = taggedSections(text, fieldOf);
  const isTagged = tagged.sections.length > 0 || tagged.issues.length > 0;
  const { sections, issues } = isTagged ? tagged : sectionsOf(text, fieldOf);
  const read = fields.map((field) => readField(field, sections));
  const problems = [
    ...issues,
    ...read.flatMap((result) => (Result.isFailure(result) ? [result.failure] : [])),
  ];
  return {
    isMeant: sections.length > 0,
    result:
      problems.length > 0
        ? Result.fail(problems)
        : Result.succeed(
            Object.fromEntries(read.flatMap((one) => Result.getOrElse(one, () => []))),
          ),
  };
};

type Property = readonly [name: string, value: unknown];

/** No property for an optional field that is not there. */
const readField = (
  { name, isRequired, type }: Field,
  sections: ReadonlyArray<Section>,
): Result.Result<ReadonlyArray<Property>, Issue> => {
  const own = sections.filter(({ field, text }) => field === name && text !== "");
  const [section] = own;
  if (section === undefined) return isRequired ? Result.fail(missing(name)) : Result.succeed([]);
  if (new Set(own.map(({ text }) => text)).size > 1)
    return Result.fail({
      path: name,
      message: `expected one "${name}", got ${own.length} different ones`,
    });
  const [first = "", ...others] = section.text.split(/\n[ \t]*\n/);
  const isEndKnown = !section.isOpenEnded || others.every((paragraph) => paragraph.trim() === "");
  if (!isEndKnown && takesAnyText(type)) return Result.fail(unclearEnd(name));
  return Result.succeed([[name, fieldValue(type, isEndKnown ? section.text : first)]]);
};

const missing = (name: string): Issue => ({
  path: name,
  message: `expected a line such as "${name}: …", got none`,
});

const unclearEnd = (name: string): Issue => ({
  path: name,
  message:
    "expected the answer to end with it, got a further paragraph, which may be part of it or not",
});
