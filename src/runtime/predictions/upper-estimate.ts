/**
 * What a call may cost at the most, before it is made: its model's price times what bounds the call. Where
 * nothing bounds it there is no such estimate, and that is said instead of guessed.
 */
import { Option, Schema } from "effect";
import type { ModelDescription, ModelSchema } from "../../steps/model-client.ts";
import { isReckonable, type Price, priceOf, type PriceTable } from "./price-table.ts";

/** A call as it is about to be made. */
export interface PlannedCall {
  readonly model: string;
  readonly description: Pick<ModelDescription, "input" | "output">;
  /** The input as it will be sent. */
  readonly input: Schema.JsonObject;
  /** After this long (ms) the provider ends the prediction. */
  readonly timeoutMs: number;
}

/** Millionths of a US dollar, rounded up to a tenth; or why nobody can say, and what would help. */
export type UpperEstimate =
  | { readonly micros: number }
  | { readonly micros: null; readonly why: string };

export const upperEstimate = (prices: PriceTable, call: PlannedCall): UpperEstimate => {
  const price = priceOf(prices, call.model);
  if (price === undefined) return unknown(`no price is known for ${call.model}`, call);
  if (price.maxUsdPerCall !== undefined) return upTo(price.maxUsdPerCall, call);
  return byUnit(price, call);
};

const byUnit = (price: Price, call: PlannedCall): UpperEstimate => {
  if (price.unit === "second") return upTo((call.timeoutMs / 1_000) * price.usdPerSecond, call);
  if (price.unit === "image") {
    const count = price.usdPerImage === 0 ? 0 : imagesOf(call);
    return count === null
      ? unknown(`nothing bounds how many images ${call.model} makes`, call)
      : upTo(count * price.usdPerImage, call);
  }
  const answered = price.outputUsdPerMillion === 0 ? 0 : answerTokensOf(call);
  if (answered === null)
    return unknown(`nothing bounds how many tokens ${call.model} answers`, call, "max_tokens");
  const asked = inputTokensOf(call) * price.inputUsdPerMillion;
  return upTo((asked + answered * price.outputUsdPerMillion) / 1e6, call);
};

/** In tenths of a millionth, rounded up; the smallest error of a product must not make a tenth more of it. */
export const upperTenths = (usd: number): number => Math.max(Math.ceil(usd * 1e7 - 1e-6), 0);

const upTo = (usd: number, call: PlannedCall): UpperEstimate => {
  const tenths = upperTenths(usd);
  // A request may ask for more than any number, which no journal could keep.
  return isReckonable(tenths)
    ? { micros: tenths / 10 }
    : unknown(`nothing bounds what a call of ${call.model} may cost`, call);
};

const unknown = (why: string, { model }: PlannedCall, field?: string): UpperEstimate => {
  const orField = field === undefined ? "" : ` or ${field} in its request`;
  const name = JSON.stringify(model.split(":")[0]);
  const help = why.startsWith("no price")
    ? `give one through prices: { ${name}: … }`
    : `give ${name} a maxUsdPerCall in prices${orField}`;
  return { micros: null, why: `${why}: ${help}` };
};

// --- tokens

const answerFields = [
  "max_tokens",
  "max_new_tokens",
  "max_output_tokens",
  "max_completion_tokens",
  "max_length",
];

/** As the request says, else by the model's own defaults, else by the most it takes. */
const answerTokensOf = ({ input, description }: PlannedCall): number | null => {
  const fields = fieldsOf(description.input);
  const among = (valueOf: (name: string) => unknown): number | null => {
    const numbers = answerFields.flatMap((name) => countOf(valueOf(name)) ?? []);
    return numbers.length === 0 ? null : Math.max(...numbers);
  };
  const asked = answerFields.filter((name) => isSaid(input[name]));
  if (asked.length > 0) return mostOf(asked.map((name) => askedFor(input[name], fields[name])));
  return among((name) => fields[name]?.["default"]) ?? among((name) => fields[name]?.["maximum"]);
};

/** Null where one of them is. */
const mostOf = (counts: ReadonlyArray<number | null>): number | null =>
  counts.reduce((most, count) => (most === null || count === null ? null : Math.max(most, count)));

/** Marks that a model's template puts around what it is given. */
const templateTokens = 64;

/** No tokenizer makes more tokens of a text than it has bytes; texts that the model adds by default count as well. */
const inputTokensOf = ({ input, description }: PlannedCall): number => {
  const defaults = Object.entries(fieldsOf(description.input)).flatMap(([name, field]) =>
    input[name] === undefined && typeof field["default"] === "string" ? [field["default"]] : [],
  );
  return Buffer.byteLength(JSON.stringify(input) + defaults.join("")) + templateTokens;
};

// --- images

const countFields = ["num_outputs", "num_images", "number_of_images", "num_samples", "batch_size"];

/** Each field that multiplies images, as the request or the model's default says, else by the most it takes. */
const imagesOf = ({ input, description }: PlannedCall): number | null => {
  const fields = fieldsOf(description.input);
  const counts = countFields.flatMap((name) => {
    const field = fields[name];
    if (isSaid(input[name])) return [askedFor(input[name], field)];
    if (field === undefined) return [];
    return [countOf(field["default"]) ?? countOf(field["maximum"])];
  });
  if (counts.length === 0) return mayBeMany(description.output) ? null : 1;
  return counts.reduce(
    (product, count) => (product === null || count === null ? null : product * count),
    1,
  );
};

/** A model that answers a list of no known length; one that publishes no schema is taken to make one image. */
const mayBeMany = (output: ModelSchema | null): boolean =>
  output !== null &&
  output.schema["type"] === "array" &&
  countOf(output.schema["maxItems"]) === null;

// --- what a request, and a model of its own input, say of how much

const isSaid = (value: unknown): boolean => value !== undefined && value !== null;

/** Choices are texts in some models: `"4"`. */
const countOf = (value: unknown): number | null => {
  const count = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
  return typeof count === "number" && Number.isFinite(count) && count >= 0 ? count : null;
};

/** What is no count, such as -1, asks for as many as the model likes: the most it takes. */
const askedFor = (value: unknown, field: Schema.JsonObject | undefined): number | null =>
  countOf(value) ?? countOf(field?.["maximum"]);

type Fields = Readonly<Record<string, Schema.JsonObject>>;

const decodeFields = Schema.decodeUnknownOption(
  Schema.Struct({ properties: Schema.Record(Schema.String, Schema.JsonObject) }),
);

/** Read once for as long as the description lives; descriptions are cached by their client. */
const read = new WeakMap<ModelSchema, Fields>();

const fieldsOf = (input: ModelSchema | null): Fields => {
  if (input === null) return {};
  const known = read.get(input);
  if (known !== undefined) return known;
  const fields = Option.match(decodeFields(input.schema), {
    onNone: () => ({}),
    onSome: ({ properties }) => properties,
  });
  read.set(input, fields);
  return fields;
};
