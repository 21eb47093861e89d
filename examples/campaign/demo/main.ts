/** From the command line to an exit code: 0 done, 1 the job failed, 2 wrong use, 130 interrupted. */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { type DemoArguments, help, readArguments, UsageError } from "./arguments.ts";
import { journalLines } from "./journal.ts";
import { killThisProcess, makeKiller } from "./kill-point.ts";
import { makeProgress } from "./progress.ts";
import { connectProvider, storePathOf } from "./provider.ts";
import { runJob } from "./run-job.ts";
import { makeScreen, type Screen } from "./screen.ts";

export const main = async (
  words: ReadonlyArray<string>,
  environment: NodeJS.ProcessEnv,
): Promise<number> => {
  const screen = makeScreen(process.stdout, environment);
  try {
    return await obey(readArguments(words, environment), environment, screen);
  } catch (error) {
    screen.clearStatus();
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
};

/** Throws UsageError. */
const makeFolder = async (folder: string): Promise<void> => {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UsageError(`the folder ${resolve(folder)} cannot be made: ${String(error)}`);
  }
};

const obey = async (
  options: DemoArguments,
  environment: NodeJS.ProcessEnv,
  screen: Screen,
): Promise<number> => {
  const { command, folder } = options;
  if (command.type === "help") {
    screen.write(help);
    return 0;
  }
  if (command.type === "journal") {
    const storePath = storePathOf(folder, environment);
    for (const line of await journalLines(storePath, command.jobId)) screen.write(line);
    return 0;
  }
  await makeFolder(folder);
  const killer = makeKiller(command.type === "run" ? command.killPoint : null, (kill) => {
    screen.clearStatus();
    killThisProcess(kill);
  });
  const provider = await connectProvider(options, environment, killer.fetch);
  screen.write(provider.description);
  const progress = makeProgress(screen, provider.costNote);
  try {
    return await runJob({ options, screen, provider, progress, killer });
  } finally {
    progress.end();
  }
};
