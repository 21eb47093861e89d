/**
 * The pages of docs/ are true: every block of TypeScript compiles, and every block but those marked
 * `compile-only` runs, each as a program of its own, in the order of its page.
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Its blocks are one program in files of their own: test/testing/documentation.test.ts. */
const runElsewhere = new Set(["testing.md"]);

interface Block {
  readonly file: string;
  readonly code: string;
  readonly isRun: boolean;
}

interface Page {
  readonly name: string;
  readonly text: string;
  readonly blocks: ReadonlyArray<Block>;
}

const modules = new Map([
  ["catena-ai", "src/index.ts"],
  ["catena-ai/testing", "src/testing.ts"],
  ["catena-emulator", "emulator/src/emulator.ts"],
]);

const resolved = (code: string): string =>
  [...modules].reduce(
    (text, [name, path]) => text.replaceAll(`"${name}"`, JSON.stringify(join(root, path))),
    code,
  );

const blocksOf = (page: string, text: string): ReadonlyArray<Block> =>
  [...text.matchAll(/^```ts([^\n]*)\n(.*?)^```/gms)].map(([, info = "", code = ""], index) => ({
    file: `${page.replace(".md", "")}-${index + 1}.ts`,
    code: resolved(code),
    isRun: !info.includes("compile-only"),
  }));

const pageOf = async (name: string): Promise<Page> => {
  const text = await readFile(join(root, "docs", name), "utf8");
  return { name, text, blocks: runElsewhere.has(name) ? [] : blocksOf(name, text) };
};

const names = (await readdir(join(root, "docs"))).filter((name) => name.endsWith(".md"));
const pages = await Promise.all(names.map(pageOf));
const withCode = pages.filter(({ blocks }) => blocks.length > 0);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catena-docs-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  for (const { file, code } of withCode.flatMap(({ blocks }) => blocks))
    await writeFile(join(folder, file), `${code}\nexport {};\n`);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("the code of all pages compiles as it stands", { timeout: 120_000 }, async () => {
  const config = { extends: join(root, "tsconfig.json"), include: ["*.ts"], exclude: [] };
  const compilerOptions = { types: ["node"], typeRoots: [join(root, "node_modules/@types")] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ ...config, compilerOptions }));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch(outputOf);
  expect(stdout).toBe("");
});

/** A program that ended badly is told by what it printed. */
const outputOf = (error: unknown): { readonly stdout: string } => {
  if (error instanceof Error && "stdout" in error) return { stdout: String(error.stdout) };
  throw error;
};

describe.each(withCode)("the code of $name", ({ name, blocks }) => {
  test("runs, block after block", { timeout: 60_000 }, async () => {
    const runnable = blocks.filter(({ isRun }) => isRun);
    const place = join(folder, name.replace(".md", ""));
    await mkdir(place);
    const imports = runnable.map(
      ({ file }) => `await import(${JSON.stringify(join(folder, file))});`,
    );
    const done = `console.log("ran ${runnable.length} blocks");`;
    await writeFile(join(place, "all.mjs"), [...imports, done].join("\n"));
    const { stdout } = await run(process.execPath, [join(place, "all.mjs")], { cwd: place });
    expect(stdout).toContain(`ran ${runnable.length} blocks`);
    for (const promised of promisedBy(runnable)) expect(stdout).toContain(promised);
  });
});

/** What a `console.log(…); // text` says it prints, where that is text as it is printed. */
const promisedBy = (blocks: ReadonlyArray<Block>): ReadonlyArray<string> =>
  blocks.flatMap(({ code }) =>
    [...code.matchAll(/^\s*console\.log\(.*\); \/\/ ([^:{}"\n]+)$/gm)].map(([, text = ""]) =>
      text.trim(),
    ),
  );

test.each(pages)("every file that $name points to is there", async ({ text }) => {
  const links = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target = ""]) => target);
  for (const link of links)
    await expect(readFile(join(root, "docs", link), "utf8"), link).resolves.not.toBe("");
});
