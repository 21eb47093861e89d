/**
 * The pages of docs/ are true: every block of TypeScript compiles and runs, each as a program of its own,
 * in the order of its page.
 */
import { existsSync, statSync } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPrograms, type Programs, resolved, root } from "./programs.ts";

/** Its blocks are one program in files of their own: test/testing/documentation.test.ts. */
const runElsewhere = new Set(["testing.md"]);

interface Block {
  readonly file: string;
  readonly code: string;
}

interface Page {
  readonly name: string;
  readonly text: string;
  readonly blocks: ReadonlyArray<Block>;
}

const blocksOf = (page: string, text: string): ReadonlyArray<Block> =>
  [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""], index) => ({
    file: `${page.replace(".md", "")}-${index + 1}.ts`,
    code: resolved(code),
  }));

const pageOf = async (name: string): Promise<Page> => {
  const text = await readFile(join(root, "docs", name), "utf8");
  return { name, text, blocks: runElsewhere.has(name) ? [] : blocksOf(name, text) };
};

const names = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md"));
const pages = await Promise.all(names.map(pageOf));
const withCode = pages.filter(({ blocks }) => blocks.length > 0);

let programs: Programs;

beforeAll(async () => {
  programs = await openPrograms();
  for (const { file, code } of withCode.flatMap(({ blocks }) => blocks))
    await programs.write(file, `${code}\nexport {};\n`);
});

afterAll(() => programs.remove());

test("the code of all pages compiles as it stands", { timeout: 120_000 }, async () => {
  expect(await programs.compile()).toBe("");
});

describe.each(withCode)("the code of $name", ({ name, blocks }) => {
  test("runs, block after block", { timeout: 60_000 }, async () => {
    const place = join(programs.folder, name.replace(".md", ""));
    await mkdir(place);
    const imports = blocks.map(({ file }) => `await import("../${file}");`);
    const done = `console.log("ran ${blocks.length} blocks");`;
    const all = join(name.replace(".md", ""), "all.mjs");
    await programs.write(all, [...imports, done].join("\n"));
    const stdout = await programs.run(all, place);
    expect(stdout).toContain(`ran ${blocks.length} blocks`);
    for (const promised of promisedBy(blocks)) expect(stdout).toContain(promised);
  });
});

/** As GitHub makes them: lower case, hyphens for blanks, no punctuation. */
const anchorsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );

test.each(pages)("the links of $name lead somewhere", async ({ name, text }) => {
  const prose = text.replaceAll(/^```.*?^```/gms, "");
  const links = [...prose.matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, link = ""]) => link);
  const dead = [];
  for (const link of links) {
    const [file = "", anchor] = link.split("#");
    const path = file === "" ? join(root, "docs", name) : join(root, "docs", file);
    const isFolder = existsSync(path) && statSync(path).isDirectory();
    const there = existsSync(path) && !isFolder ? await readFile(path, "utf8") : null;
    if (there === null && !isFolder) dead.push(link);
    else if (anchor !== undefined && !anchorsOf(there ?? "").includes(anchor)) dead.push(link);
  }
  expect(dead).toEqual([]);
});

test("every page is in the index, and the index names no other", () => {
  const index = pages.find(({ name }) => name === "README.md")?.text ?? "";
  const named = [...index.matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, page = ""]) => page);
  expect(new Set(named)).toEqual(new Set(names.filter((name) => name !== "README.md")));
});

/** What a `console.log(…); // text` says it prints, where that is text as it is printed. */
const promisedBy = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> =>
  blocks.flatMap(({ code }) =>
    [...code.matchAll(/^\s*console\.log\(.*\); \/\/ ([^:{}"\n]+)$/gm)].map(([, text = ""]) =>
      text.trim(),
    ),
  );
