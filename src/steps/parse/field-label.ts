/** The label at the beginning of a line: `Headline:`, `- **tone** —`, `## Scene`, `| tone | warm |`. */

export interface Label {
  readonly name: string;
  /** Marks and emphasis, all numbers alike: labels of one list have one style. Without any it is `plain`. */
  readonly style: string;
  /** 1 to 6 for a heading, 7 for a line that is a label in bold and nothing else, 0 for the others. */
  readonly level: number;
  /** What stands on the line after the label. */
  readonly rest: string;
  /** A row of a table: nothing on later lines belongs to it. */
  readonly isRow: boolean;
}

/** Labels are short; what is looked at of a line is bounded, whatever the line. */
const longestLabel = 40;
const longestHead = 120;

const marks = /^(?:[-*+•]\s+|\d{1,3}[.)]\s+|#{1,6}\s+|>\s*|\p{Extended_Pictographic}\uFE0F?\s*)*/u;
const name = `\\p{L}[\\p{L}\\p{N} _/()-]{0,${longestLabel - 1}}?`;
const emphasis = "\\*\\*|__|[*_`]";
const colon = `(?:：|:(?=[\\s"“*_\`]|$))`;
const dash = `(?<=[\\s*_\`])[—–-](?=\\s)`;
const separated = new RegExp(
  `^(${emphasis})?(${name})\\s*(?:${colon}\\s*(?:${emphasis})?|(?:${emphasis})?\\s*(?:${colon}|=|${dash}))`,
  "u",
);
const alone = new RegExp(`^(${emphasis})?(${name})(?:${emphasis})?$`, "u");
const row = /^\|([^|]{1,60})\|([^|]*)\|?$/;

/** Undefined where the line begins with no label. */
export const labelOf = (line: string): Label | undefined => {
  const text = line.trim();
  const [, cell, value] = row.exec(text) ?? [];
  if (cell !== undefined && value !== undefined)
    return { name: bare(cell), style: "|", level: 0, rest: value.trim(), isRow: true };
  const [mark = ""] = marks.exec(text.slice(0, longestHead)) ?? [];
  const body = text.slice(mark.length);
  const level = /^#+/.exec(mark)?.[0].length ?? 0;
  return separatedLabel(mark, level, body) ?? aloneLabel(mark, level, body);
};

const bare = (text: string): string =>
  text.replace(/[*_`]{1,2}/g, (at) => (at === "_" ? at : "")).trim();

const separatedLabel = (mark: string, level: number, body: string): Label | undefined => {
  const [head, stress = "", label] = separated.exec(body.slice(0, longestHead)) ?? [];
  if (head === undefined || label === undefined) return undefined;
  const isDash = /[—–-]$/.test(head);
  if (isDash && mark === "" && stress === "") return undefined;
  const style = styleOf(mark, stress);
  return { name: label, style, level, rest: body.slice(head.length).trim(), isRow: false };
};

/** A heading, or a line in bold. */
const aloneLabel = (mark: string, level: number, body: string): Label | undefined => {
  if (body.length > longestLabel + 4) return undefined;
  const [whole, stress = "", label] = alone.exec(body) ?? [];
  if (whole === undefined || label === undefined) return undefined;
  if (level === 0 && stress !== "**" && stress !== "__") return undefined;
  return { name: label, style: styleOf(mark, stress), level: level || 7, rest: "", isRow: false };
};

const styleOf = (mark: string, stress: string): string =>
  `${mark
    .replace(/\d+/g, "1")
    .replace(/\p{Extended_Pictographic}\uFE0F?/gu, "☺")
    .replace(/\s/g, "")}${stress}` || "plain";
