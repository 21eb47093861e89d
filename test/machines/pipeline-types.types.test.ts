/**
 * The compiler's answers to wrong programs, frozen: one run over `test/types`, where every file of
 * `wrong/` ends in the line of its only error and the last sentence of the compiler's message, and
 * everything beside that folder must compile.
 */
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly sentence: string;
}

const root = join(import.meta.dirname, "../..");
const folder = "test/types/wrong";
const programs = readdirSync(join(root, folder)).toSorted();

const head = /^(\S+)\((\d+),\d+\): error TS\d+: (.*)$/;

/** A diagnostic starts at the margin; the lines below it are indented, the last says most. */
const readDiagnostics = (output: string): ReadonlyArray<Diagnostic> =>
  output
    .trimEnd()
    .split(/\n(?=\S)/)
    .filter((block) => block !== "")
    .map((block) => {
      const lines = block.split("\n");
      const [, file = block, line, first = ""] = head.exec(lines[0] ?? "") ?? [];
      return { file, line: Number(line), sentence: lines.slice(1).at(-1)?.trim() ?? first };
    });

const compile = (): Promise<ReadonlyArray<Diagnostic>> =>
  new Promise((resolve, reject) => {
    execFile(
      join(root, "node_modules/.bin/tsc"),
      ["-p", "test/types/tsconfig.json", "--pretty", "false"],
      { cwd: root, maxBuffer: 10_000_000 },
      (error, stdout) => {
        // The exit code says only that there are errors; a compiler that did not run has no output.
        if (error !== null && stdout === "") reject(error);
        else resolve(readDiagnostics(stdout));
      },
    );
  });

const goldenOf = (file: string): Diagnostic | undefined => {
  const source = readFileSync(join(root, file), "utf8");
  const [, line, sentence] = /\n\/\/ Error at line (\d+):\n\/\/ (.+)\n$/.exec(source) ?? [];
  return sentence === undefined ? undefined : { file, line: Number(line), sentence };
};

let found: ReadonlyArray<Diagnostic> = [];

beforeAll(async () => {
  found = await compile();
});

describe("a wrong program", () => {
  test.for(programs)("%s is refused at its line, in its sentence", (program) => {
    const file = `${folder}/${program}`;
    const golden = goldenOf(file);
    expect(golden, "ends in `// Error at line n:` and the sentence").toBeDefined();
    expect(found.filter((diagnostic) => diagnostic.file === file)).toEqual([golden]);
  });
});

test("a right program compiles", () => {
  expect(found.filter((diagnostic) => !diagnostic.file.startsWith(`${folder}/`))).toEqual([]);
});
