/**
 * An answer of labelled lines cut into sections, one a known label. What stands before the first label is
 * a preamble; unknown labels in the style of the known ones are other fields and are left out, as other
 * keys of an object would be. Where it cannot be told whether words belong to a field, that is an issue.
 */
import type { Issue } from "../failure.ts";
import { type Label, labelOf } from "./field-label.ts";

export interface Section {
  readonly field: string;
  readonly text: string;
  /** The last one, where nothing shows what still belongs to it. */
  readonly isOpenEnded: boolean;
}

export interface Sections {
  readonly sections: ReadonlyArray<Section>;
  readonly issues: ReadonlyArray<Issue>;
}

interface Draft {
  readonly field: string;
  readonly label: Label;
  readonly lines: Array<string>;
}

/** `fieldOf` gives the field that a label stands for. */
export const sectionsOf = (
  text: string,
  fieldOf: (label: string) => string | undefined,
): Sections => {
  const drafts: Array<Draft> = [];
  const issues: Array<Issue> = [];
  let open: Draft | null = null;
  for (const line of text.split("\n")) {
    const label = labelOf(line);
    const field = label === undefined ? undefined : fieldOf(label.name);
    if (label !== undefined && field !== undefined) {
      open = { field, label, lines: [label.rest] };
      drafts.push(open);
    } else if (open !== null && label !== undefined && endsSection(open.label, label)) {
      if (isAmbiguous(open.label, label)) issues.push(otherField(open.field, label.name));
      open = null;
    } else if (open?.label.isRow === true) open = null;
    else open?.lines.push(line);
  }
  const last = open;
  return { sections: drafts.map((draft) => sectionOf(draft, draft === last)), issues };
};

/** A field in the same style, or a heading above it. */
const endsSection = (open: Label, label: Label): boolean =>
  label.style === open.style ||
  (label.level > 0 && (open.level === 0 || label.level <= open.level));

/** A line of prose may look like a plain label. */
const isAmbiguous = (open: Label, label: Label): boolean =>
  open.style === "plain" && label.style === "plain";

const otherField = (field: string, label: string): Issue => ({
  path: field,
  message: `expected the text to end before ${JSON.stringify(`${label}:`)}, which may be part of it or another field`,
});

const sectionOf = ({ field, label, lines }: Draft, isLast: boolean): Section => {
  const rule = lines.findIndex((line) => /^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/.test(line));
  const isRuled =
    rule >= 0 && (isLast || lines.slice(rule + 1).every((line) => line.trim() === ""));
  return {
    field,
    text: (isRuled ? lines.slice(0, rule) : lines).join("\n").trim(),
    isOpenEnded: isLast && !isRuled && !label.isRow,
  };
};
