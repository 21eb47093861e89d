/** From a model's answer to the label it means: tolerant of how it is written, never guessing which it is. */
import { Option, Result, Schema } from "effect";
import type { Parse } from "../parse.ts";

/** Reads one of the labels. Throws a TypeError where there are fewer than two different ones. */
export const parseLabel = (labels: ReadonlyArray<string>): Parse => {
  if (new Set(labels).size < 2 || new Set(labels).size !== labels.length)
    throw new TypeError(
      `expected labels to be at least two, each once, got ${JSON.stringify(labels)}`,
    );
  const allowed = labels.join(", ");
  return (output) => {
    const said = labelIn(output);
    const meant = labelMeant(labels, said) ?? labelMeant(labels, withoutLead(said));
    if (meant !== undefined) return Result.succeed(meant);
    const got = said === "" ? "an empty answer" : JSON.stringify(said.slice(0, excerptLength));
    return Result.fail([
      { path: "", message: `expected one of the labels ${allowed}, got ${got}` },
    ]);
  };
};

/** The label itself, or the only one that differs from it in no more than how it is written. */
const labelMeant = (labels: ReadonlyArray<string>, said: string): string | undefined => {
  if (labels.includes(said)) return said;
  const alike = labels.filter((label) => plain(label) === plain(said));
  return alike.length === 1 && plain(said) !== "" ? alike[0] : undefined;
};

const excerptLength = 80;

/** Case, and everything that is no letter or digit: `**Sales enquiry.**` and `sales_enquiry` are one label. */
const plain = (label: string): string =>
  label
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, " ")
    .trim();

/** `Label: invoice`, `The category is "invoice".` */
const withoutLead = (said: string): string =>
  said.replace(/^\W*(?:the\s+)?(?:best\s+)?(?:label|category|class|answer)\W*(?:is\b|:|=)/i, "");

const Named = Schema.Struct({ label: Schema.String });
const Scored = Schema.Struct({ label: Schema.String, score: Schema.Finite });

const decodeNamed = Schema.decodeUnknownOption(Schema.Union([Schema.fromJsonString(Named), Named]));
const decodeScored = Schema.decodeUnknownOption(Schema.NonEmptyArray(Scored));

/** What is said in text, in `{ "label": … }`, or with the highest score of a list. */
const labelIn = (output: Schema.Json): string => {
  const named = Option.map(decodeNamed(output), ({ label }) => label);
  const scored = Option.map(
    decodeScored(output),
    (all) => all.reduce((best, one) => (one.score > best.score ? one : best)).label,
  );
  return Option.getOrElse(
    Option.orElse(named, () => scored),
    () => (typeof output === "string" ? output.trim() : JSON.stringify(output)),
  );
};
