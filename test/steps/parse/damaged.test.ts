/**
 * JSON that models damaged: whatever is mended is what was meant, and what is not is refused. Nothing is
 * ever read as another value that the schema happens to decode. A failure names the seed of its case.
 */
import { Result, Schema } from "effect";
import { expect, test } from "vitest";
import { Parse } from "../../../src/steps/parse.ts";
import { type Dice, seededDice } from "../../machines/seeded-dice.ts";

const Concept = Schema.Struct({
  headline: Schema.String,
  scene: Schema.String,
  count: Schema.optionalKey(Schema.Int),
  tags: Schema.optionalKey(Schema.Array(Schema.String)),
});
const parse = Parse.for(Concept);
const decodes = Schema.is(Concept);

/** What texts hold that looks like JSON, or like the end of a text. */
const scraps = [
  "cold",
  "it's",
  "don't",
  "dogs' bowl",
  "a, b",
  "x: y",
  "{z}",
  "[1]",
  '"q"',
  '"go", now',
  'a 12" bottle',
  "...",
  "// c",
  "# d",
  "\nline",
  "http://a/b",
  "“curly”",
] as const;

const textFrom = ({ roll, pick }: Dice): string =>
  Array.from({ length: 1 + Math.floor(roll() * 4) }, () => pick(scraps)).join(" ");

const conceptFrom = (dice: Dice): typeof Concept.Type => ({
  headline: textFrom(dice),
  scene: textFrom(dice),
  ...(dice.roll() < 0.5 ? { count: Math.floor(dice.roll() * 100) } : {}),
  ...(dice.roll() < 0.5
    ? { tags: Array.from({ length: Math.floor(dice.roll() * 4) }, () => textFrom(dice)) }
    : {}),
});

type Damage = (json: string, dice: Dice) => string;

const without = (json: string, places: ReadonlyArray<number>, { roll }: Dice): string => {
  const at = places[Math.floor(roll() * places.length)] ?? json.length;
  return json.slice(0, at) + json.slice(at + 1);
};

const damages: ReadonlyArray<readonly [string, Damage]> = [
  [
    "a mark lost",
    (json, dice) =>
      without(
        json,
        [...json.matchAll(/["{}[\],:]/g)].map(({ index }) => index),
        dice,
      ),
  ],
  ["its end lost", (json, { roll }) => json.slice(0, 1 + Math.floor(roll() * (json.length - 1)))],
  ["escapes of quotes lost", (json) => json.replaceAll('\\"', '"')],
  ["all escapes lost", (json) => json.replaceAll("\\n", "\n").replaceAll('\\"', '"')],
  [
    "single quotes instead",
    (json) => json.replaceAll('\\"', "\0").replaceAll('"', "'").replaceAll("\0", '"'),
  ],
  ["curly quotes instead", (json) => json.replaceAll(/"((?:[^"\\]|\\.)*)"/g, "“$1”")],
];

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

test.for(damages)("with %s it is itself or refused", ([name, damage]) => {
  let mended = 0;
  for (let seed = 1; seed <= 4_000; seed += 1) {
    const dice = seededDice(seed);
    const concept = conceptFrom(dice);
    const json = damage(JSON.stringify(concept, undefined, dice.pick([0, 2])), dice);
    // Inside a text a lost mark leaves good JSON of another text.
    if (isJson(json)) continue;
    const parsed = parse(dice.pick([json, `Here: ${json}\nBye {x}`]));
    if (Result.isFailure(parsed) || !decodes(parsed.success)) continue;
    expect(parsed.success, `seed ${seed}: ${json}`).toEqual(concept);
    mended += 1;
  }
  // An answer that is cut off is never completed; of every other damage some is mended.
  if (name === "its end lost") expect(mended).toBe(0);
  else expect(mended).toBeGreaterThan(0);
});
