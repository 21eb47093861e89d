/** What a language model answers to whoever asks for JSON of a schema of their own. */
import { Result, Schema } from "effect";
import { expect, test } from "vitest";
import { startEmulator } from "../../emulator/src/emulator.ts";
import { schemaAnswer } from "../../emulator/src/models/schema-answer.ts";
import { Parse } from "../../src/index.ts";
import { promptForAnswer } from "../../src/steps/ready-made/answer-shape.ts";
import { finished, LLAMA, post, type WirePrediction } from "./emulator-client.ts";

const Line = Schema.Struct({ text: Schema.NonEmptyString, amount: Schema.Finite });
const schemas = {
  invoice: Schema.Struct({
    number: Schema.NonEmptyString,
    total: Schema.Finite.annotate({ description: "in euros" }),
    lines: Schema.Array(Line),
    paid: Schema.optionalKey(Schema.Boolean),
    kind: Schema.Literals(["invoice", "reminder"]),
    due: Schema.NullOr(Schema.String),
  }),
  bounds: Schema.Struct({
    stars: Schema.Int.check(Schema.isBetween({ minimum: 3, maximum: 5 })),
    share: Schema.Finite.check(Schema.isGreaterThan(0), Schema.isLessThan(0.5)),
    name: Schema.String.check(Schema.isMinLength(40), Schema.isMaxLength(60)),
  }),
  list: Schema.Array(Line),
  either: Schema.Union([Schema.Struct({ a: Schema.String }), Schema.Struct({ b: Schema.Int })]),
};

test.each(Object.entries(schemas))(
  "an answer fits the schema of %s that the prompt asks for",
  (_, schema) => {
    const repair = { ordinal: 1, output: "no", issues: [{ path: "x", message: "Missing key" }] };
    for (const prompt of [
      promptForAnswer("Read this.", schema, undefined),
      promptForAnswer("", schema, repair),
    ]) {
      const parsed = Parse.for(schema)(schemaAnswer(prompt) ?? "");
      expect(Result.isSuccess(parsed) ? undefined : parsed.failure).toBeUndefined();
      if (Result.isSuccess(parsed))
        Schema.decodeUnknownSync(Schema.toCodecJson(schema))(parsed.success);
    }
  },
);

test("a recursive schema ends, and nothing is answered where no schema is asked for or the copywriter knows it", () => {
  const tree = {
    $defs: { Tree: { type: "object", properties: { of: { $ref: "#/$defs/Tree" } } } },
    $ref: "#/$defs/Tree",
  };
  expect(JSON.parse(schemaAnswer(JSON.stringify(tree)) ?? "")).toHaveProperty("of");
  expect(schemaAnswer("Write a slogan.")).toBeUndefined();
  expect(schemaAnswer('{"product": "a bottle"}')).toBeUndefined();
  const learned = Schema.Struct({ headline: Schema.String, tone: Schema.String });
  expect(schemaAnswer(promptForAnswer("An ad.", learned, undefined))).toBeUndefined();
});

test.each(["instant", "real"] as const)("the models of %s answer by it", async (models) => {
  await using emulator = await startEmulator({ models });
  const input = { prompt: promptForAnswer("Read this.", schemas.invoice, undefined) };
  const created = await post(emulator, `/v1/models/${LLAMA}/predictions`, { input });
  const { id } = (await created.json()) as WirePrediction;
  const { output } = await finished(emulator, id);
  const text = Array.isArray(output) ? output.join("") : "";
  expect(JSON.parse(text)).toMatchObject({ kind: "invoice", lines: [{ amount: 1 }] });
});
