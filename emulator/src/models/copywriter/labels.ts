/**
 * Reads an ordinary prompt for what the tiny copywriter needs: its labelled lines (`Product: …`, `Audience: …`,
 * `Value proposition: …`, or `Headline: …`, `Visual direction: …`, `Tone: …`). The model knows two tasks only; a
 * prompt without labels is taken as a product.
 */

export type Labels =
  | {
      readonly task: "concept";
      readonly product: string;
      readonly audience: string;
      readonly value: string;
    }
  | {
      readonly task: "image-prompt";
      readonly product: string;
      readonly headline: string;
      readonly visual: string;
      readonly tone: string;
    };

type Field = "product" | "audience" | "value" | "headline" | "visual" | "tone";

const FIELD_OF_LABEL: Readonly<Record<string, Field>> = {
  product: "product",
  "product name": "product",
  audience: "audience",
  "target audience": "audience",
  value: "value",
  "value prop": "value",
  "value proposition": "value",
  headline: "headline",
  visual: "visual",
  "visual direction": "visual",
  tone: "tone",
};
const LABELLED_LINE =
  /^[\s*\-•]*(?<label>[A-Za-z][A-Za-z _]*?)\**\s*:\s*\**\s*(?<value>\S.*?)\s*$/u;
const JSON_MEMBER = /"(?<label>[A-Za-z_]+)"\s*:\s*"(?<value>(?:[^"\\]|\\.)*)"/gu;

/** The task that a prompt asks for, with its fields. Plain labelled lines count before JSON members. */
export function readLabels(prompt: string): Labels {
  const lines = prompt.split("\n").map((line) => LABELLED_LINE.exec(line)?.groups);
  const members = [...prompt.matchAll(JSON_MEMBER)].map((match) => match.groups);
  return choose(fieldsOf(lines)) ?? choose(fieldsOf([...lines, ...members])) ?? unlabelled(prompt);
}

function fieldsOf(
  groups: readonly (Readonly<Record<string, string>> | undefined)[],
): Partial<Record<Field, string>> {
  const fields: Partial<Record<Field, string>> = {};
  for (const group of groups) {
    const field = FIELD_OF_LABEL[group?.["label"]?.toLowerCase().replaceAll("_", " ").trim() ?? ""];
    const value = (group?.["value"] ?? "").replace(/^["“]|["”,]+$/gu, "");
    // `"headline": "…"` in an example of the wanted answer is no headline.
    if (field !== undefined && /[a-z]{2}/iu.test(value)) fields[field] ??= value;
  }
  return fields;
}

function choose({
  product,
  audience,
  value,
  headline,
  visual,
  tone,
}: Partial<Record<Field, string>>): Labels | undefined {
  if (headline !== undefined && visual !== undefined) {
    return {
      task: "image-prompt",
      product: product ?? "the product",
      headline,
      visual,
      tone: tone ?? "warm and clear",
    };
  }
  if (product === undefined) return undefined;
  return {
    task: "concept",
    product,
    audience: audience ?? "everyone",
    value: value ?? "easy to use",
  };
}

function unlabelled(prompt: string): Labels {
  return {
    task: "concept",
    product: prompt.trim().split(/\s+/u).slice(0, 6).join(" "),
    audience: "everyone",
    value: "easy to use",
  };
}
