/**
 * The README is true: its code compiles as it stands and runs with other models and a store in memory,
 * its picture is the one that the code draws.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;
let readme: string;

beforeAll(async () => {
  readme = await readFile(join(root, "README.md"), "utf8");
  folder = await mkdtemp(join(tmpdir(), "catena-readme-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** The fenced blocks of a language, in order. */
const blocks = (language: string): ReadonlyArray<string> =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    ([, code = ""]) => code,
  );

/** All TypeScript of the README as one program: each block goes on where the one before ended. */
const program = (): string =>
  blocks("ts").join("\n").replaceAll('"catena-ai"', entry).replaceAll('"catena-ai/testing"', kit);
const entry = JSON.stringify(join(root, "src/index.ts"));
const kit = JSON.stringify(join(root, "src/testing.ts"));

test("the code of the README compiles as it stands", { timeout: 60_000 }, async () => {
  await writeFile(join(folder, "readme.ts"), program());
  const config = { extends: join(root, "tsconfig.json"), include: ["readme.ts"], exclude: [] };
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

const stand = `
import { Functions } from ${entry};
const answers = {
  "meta/meta-llama-3-8b-instruct": { run: () => JSON.stringify({ headline: "Cold", scene: "dawn" }) },
  "black-forest-labs/flux-schnell": { run: () => picture },
};
const picture = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const models = Functions.client({ models: answers });
`;

test(
  "the code of the README runs, and draws the README's picture",
  { timeout: 60_000 },
  async () => {
    const line = /^const models = Replicate\.client\(.*\);$/m;
    expect(program()).toMatch(line);
    const tested = program().replace(line, "").replace('"posters.db"', '"memory"');
    await writeFile(join(folder, "tested.ts"), `${stand}\n${tested}`);
    const { stdout } = await run(process.execPath, [join(folder, "tested.ts")]);
    expect(stdout).toContain("headline: 'Cold'");
    expect(stdout).toContain("complete");
    expect(stdout).toContain("true false");
    expect(stdout).toMatch(/^\d+ paths \[\]$/m);
    const [diagram = "no diagram"] = blocks("mermaid");
    expect(stdout).toContain(diagram.trim());
  },
);

test("every file that the README points to is there", async () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, target = ""]) => target);
  expect(links.length).toBeGreaterThan(0);
  for (const link of links) await expect(readFile(join(root, link), "utf8")).resolves.not.toBe("");
});
