/**
 * The README is true: its code compiles as it stands and runs with other models and a store in memory,
 * its picture is the one that the code draws.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPrograms, type Programs, resolved, root } from "./programs.ts";

let programs: Programs;
let readme: string;

beforeAll(async () => {
  readme = await readFile(join(root, "README.md"), "utf8");
  programs = await openPrograms();
});

afterAll(() => programs.remove());

/** The fenced blocks of a language, in order. */
const blocks = (language: string): ReadonlyArray<string> =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    ([, code = ""]) => code,
  );

/** All TypeScript of the README as one program: each block goes on where the one before ended. */
const program = (): string => resolved(blocks("ts").join("\n"));

test("the code of the README compiles as it stands", { timeout: 60_000 }, async () => {
  await programs.write("readme.ts", program());
  expect(await programs.compile()).toBe("");
});

const stand = `
import { Functions } from "catena-ai";
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
    await programs.write("tested.ts", `${resolved(stand)}\n${tested}`);
    const stdout = await programs.run("tested.ts");
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
