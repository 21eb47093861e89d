/** Plants a bug in a copy of the project and runs the suites there until one of them finds it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Edit, PlantedBug } from "./planted-bug.ts";

export const root = fileURLToPath(new URL("../../../", import.meta.url));
const copied = [
  "bin",
  "src",
  "test",
  "emulator",
  "examples",
  "bench",
  "scripts",
  "docs",
  "README.md",
  "ARCHITECTURE.md",
  "package.json",
  "tsconfig.json",
  "vitest.config.ts",
];
const left = new Set(["node_modules", "models", ".catena"]);

/**
 * In the order in which they are asked: the broad net first, then the tests beside what was changed, then whatever else
 * watches one part. What stands on top of the runtime, commands and HTTP, watches none of it.
 */
const suitesFor = ({ edits }: PlantedBug): ReadonlyArray<ReadonlyArray<string>> => [
  ["test/reliability/simulated.test.ts"],
  ...(edits.length === 0 ? [] : [[...new Set(edits.map(({ file }) => besideOf(file)))]]),
  [
    "test/runtime",
    "test/machines",
    "test/testing",
    "--exclude",
    "test/runtime/cli/**",
    "--exclude",
    "test/runtime/http-api/**",
  ],
];

/** `runtime/jobs/claim.ts` is watched by `test/runtime/jobs/`, `runtime/signals.ts` by `test/runtime/signals`. */
const besideOf = (file: string): string => {
  const [layer = "", part = ""] = file.replace(/\.ts$/, "").split("/");
  return layer === "runtime" ? join("test", layer, part) : join("test", layer);
};

export interface Finding {
  readonly bug: string;
  /** The first test that failed; null where every suite is green. */
  readonly foundBy: string | null;
  readonly tookMs: number;
}

export interface Ground {
  /** Plants the bug, runs the suites until one is red, takes the bug out again. Rejects where it does not fit the source. */
  readonly hunt: (bug: PlantedBug) => Promise<Finding>;
  /** What the compiler says to all of them at once. A bug that is no program would be found for the wrong reason. */
  readonly compile: (bugs: ReadonlyArray<PlantedBug>) => Promise<string>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** A copy of the project as it lies, with its installed packages. */
export const copyProject = async (): Promise<Ground> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-planted-"));
  const filter = (source: string) => !left.has(basename(source)) || source.includes("/src/");
  for (const name of copied)
    await cp(join(root, name), join(folder, name), { recursive: true, filter });
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  return {
    hunt: async (bug) => {
      const startedAt = performance.now();
      const undo = await plant(folder, bug);
      try {
        const foundBy = await search(folder, suitesFor(bug));
        return { bug: bug.name, foundBy, tookMs: Math.round(performance.now() - startedAt) };
      } finally {
        await undo();
      }
    },
    compile: async (bugs) => {
      const undo: Array<() => Promise<void>> = [];
      try {
        for (const bug of bugs) undo.unshift(await plant(folder, bug));
        return await compilerOn(folder);
      } finally {
        for (const one of undo) await one();
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};

const plant = async (folder: string, { name, edits }: PlantedBug): Promise<() => Promise<void>> => {
  const before = new Map<string, string>();
  for (const edit of edits) {
    const path = join(folder, "src", edit.file);
    const source = await readFile(path, "utf8");
    if (!before.has(path)) before.set(path, source);
    await writeFile(path, edited(name, edit, source));
  }
  return async () => {
    for (const [path, source] of before) await writeFile(path, source);
  };
};

/** The source with the bug in it. Throws where the bug does not fit it. */
export const edited = (name: string, { file, find, replace }: Edit, source: string): string => {
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(
      `"${name}" does not fit src/${file}: its text stands there ${parts.length - 1} times`,
    );
  return parts.join(replace);
};

const compilerOn = async (folder: string): Promise<string> => {
  const tsc = join(folder, "node_modules", "typescript", "bin", "tsc");
  const child = spawn(process.execPath, [tsc, "-p", "tsconfig.json"], { cwd: folder });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (part: Buffer) => {
      said += part.toString();
    });
  await once(child, "close");
  return said;
};

const search = async (
  folder: string,
  suites: ReadonlyArray<ReadonlyArray<string>>,
): Promise<string | null> => {
  for (const suite of suites) {
    const found = await run(folder, suite);
    if (found !== null) return found;
  }
  return null;
};

/**
 * A bug may well make a job wait for ever: that is red as well. Far longer than a suite takes where nothing is planted,
 * on a machine that has other work as well.
 */
const limitMs = 600_000;

/** The first test that fails, in words; null where all are green. */
const run = async (folder: string, suite: ReadonlyArray<string>): Promise<string | null> => {
  const report = join(folder, "report.json");
  await rm(report, { force: true });
  const vitest = join(folder, "node_modules", "vitest", "vitest.mjs");
  const reporting = ["--bail", "1", "--reporter", "json", "--outputFile", report];
  // Not every file has tests of its own.
  const options = ["--passWithNoTests", ...reporting];
  const child = spawn(process.execPath, [vitest, "run", ...suite, ...options], {
    cwd: folder,
    stdio: "ignore",
    timeout: limitMs,
    killSignal: "SIGKILL",
    env: {
      ...process.env,
      VITEST: undefined,
      VITEST_POOL_ID: undefined,
      VITEST_WORKER_ID: undefined,
    },
  });
  const [code] = await once(child, "exit");
  if (code === 0) return null;
  if (code === null) return `${suite.join(" ")}: no end within ${limitMs / 1_000} s`;
  return firstFailure(await readFile(report, "utf8"), folder);
};

interface Report {
  readonly testResults: ReadonlyArray<{
    readonly name: string;
    readonly message?: string;
    readonly status: string;
    readonly assertionResults: ReadonlyArray<{
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: ReadonlyArray<string>;
    }>;
  }>;
}

const firstFailure = (text: string, folder: string): string => {
  // Written by vitest a moment ago; a wrong shape shows in what is printed.
  const report: Report = JSON.parse(text);
  for (const { name, assertionResults } of report.testResults) {
    const failed = assertionResults.find(({ status }) => status === "failed");
    if (failed === undefined) continue;
    const why = failed.failureMessages?.[0]?.split("\n")[0]?.replace(/^\w*Error: /, "");
    return `${name.slice(folder.length + 1)}: ${failed.fullName} (${why ?? "red"})`;
  }
  const broken = report.testResults.find(({ status }) => status === "failed");
  return `${broken?.name.slice(folder.length + 1) ?? "no file"}: ${broken?.message?.split("\n")[0] ?? "red"}`;
};
