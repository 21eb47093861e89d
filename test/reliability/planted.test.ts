/** Planted bugs rot as the source moves on; the hunt itself is slow (planted.slow.test.ts), this is not. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plantedBugs } from "./planted/bugs.ts";
import { edited, root } from "./planted/hunt.ts";

test.each(plantedBugs)("the source has a place for: $name", async ({ name, edits }) => {
  const sources = new Map<string, string>();
  for (const edit of edits) {
    const before = sources.get(edit.file) ?? (await readFile(join(root, "src", edit.file), "utf8"));
    const after = edited(name, edit, before);
    expect(after).not.toBe(before);
    sources.set(edit.file, after);
  }
});
