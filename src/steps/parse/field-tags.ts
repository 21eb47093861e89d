/** An answer in tags, `<headline>…</headline>`: each known tag is a field, whatever stands between them. */
import type { Sections } from "./field-lines.ts";
import { cutOff } from "./trouble.ts";

const tag = /<(\/?)([\p{L}_][\p{L}\p{N}_-]{0,60})>/gu;

export const taggedSections = (
  text: string,
  fieldOf: (label: string) => string | undefined,
): Sections => {
  const sections: Array<Sections["sections"][number]> = [];
  let open: { readonly field: string; readonly from: number } | null = null;
  for (const { 0: whole, 1: slash, 2: name = "", index } of text.matchAll(tag)) {
    const field = fieldOf(name);
    if (field === undefined) continue;
    if (open === null && slash === "") open = { field, from: index + whole.length };
    else if (open?.field === field && slash === "/") {
      sections.push({ field, text: text.slice(open.from, index).trim(), isOpenEnded: false });
      open = null;
    }
  }
  const issues = open === null ? [] : [cutOff(open.field, `the tag is not closed`)];
  return { sections, issues };
};
