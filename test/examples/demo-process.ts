/** The demo as a stranger starts it: a process of its own, in a folder of its own, with canned answers. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { readInstance } from "../../emulator/src/instance.ts";
import { kill } from "../emulator/state-directory.ts";

const demo = fileURLToPath(new URL("../../examples/campaign/demo.ts", import.meta.url));

/** No token and no terminal, whatever is set outside. */
const environment = { PATH: process.env["PATH"] ?? "", NO_COLOR: "1" };

export interface Ended {
  readonly output: string;
  readonly errors: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A folder for one demo; its emulator and its files are gone when the test is over. */
export const demoFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-demo-"));
  onTestFinished(async () => {
    const emulator = readInstance(join(folder, "emulator"));
    if (emulator !== undefined) await kill(emulator.pid);
    await rm(folder, { recursive: true, force: true });
  });
  return folder;
};

const wordsFor = (folder: string, words: ReadonlyArray<string>): Array<string> => [
  demo,
  "--dir",
  folder,
  "--emulator-models",
  "instant",
  ...words,
];

/** Runs the demo to its end, whatever that is. */
export const runDemo = (
  folder: string,
  words: ReadonlyArray<string> = [],
  variables: NodeJS.ProcessEnv = {},
): Promise<Ended> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      wordsFor(folder, words),
      { env: { ...environment, ...variables } },
      (_, output, errors) => {
        resolve({ output, errors, code: child.exitCode, signal: child.signalCode });
      },
    );
  });

/** Interrupts the demo, as Ctrl-C does, once its output has the words. */
export const interruptDemo = async (folder: string, at: string): Promise<Ended> => {
  const child = spawn(process.execPath, wordsFor(folder, []), { env: environment });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (output.includes(at)) child.kill("SIGINT");
  });
  await once(child, "close");
  return { output, errors: "", code: child.exitCode, signal: child.signalCode };
};

/** The id of the job that a run speaks of. */
export const jobIn = (output: string): string | undefined =>
  /[Jj]ob ([0-9a-f-]{36})/.exec(output)?.[1];

/** Kills the demo at the point, runs it again, and holds the second run to what it owes. */
export const expectResume = async (point: string): Promise<string> => {
  const folder = await demoFolder();
  const killed = await runDemo(folder, ["--kill-after", point]);
  expect(killed.signal, killed.output + killed.errors).toBe("SIGKILL");
  const resumed = await runDemo(folder);
  expect(resumed.code, resumed.output + resumed.errors).toBe(0);
  expect(resumed.output).toContain(
    `Resumes job ${jobIn(killed.output)}: the run before was killed`,
  );
  expect(resumed.output).toContain("our receipt");
  expect(resumed.output).toContain("The ledgers agree: 4 predictions");
  expect(await readdir(join(folder, "gallery"))).toHaveLength(1);
  return resumed.output;
};
