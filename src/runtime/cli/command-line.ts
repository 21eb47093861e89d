/** From the words of a command line to an exit code: 0 complete, 1 failed, 2 asked for wrongly. */
import { Cause, Effect, Exit } from "effect";
import { CliConfig, CliOutput, Command, GlobalFlag } from "effect/cli";
import { AssetStoreFailure } from "../../steps/asset-store.ts";
import { LetterUnavailable } from "../dead-letters.ts";
import { StoreFailure } from "../journal-store.ts";
import { JobUnavailable } from "../outcome.ts";
import { firstLineInUserCode } from "../services/defect.ts";
import { check } from "./commands/check.ts";
import { deadLetters } from "./commands/dead-letters.ts";
import { dev } from "./commands/dev.ts";
import { emulator } from "./commands/emulator.ts";
import { graph } from "./commands/graph.ts";
import { init } from "./commands/init.ts";
import { jobs } from "./commands/jobs.ts";
import { erase } from "./commands/erase.ts";
import { prune } from "./commands/prune.ts";
import { run } from "./commands/run.ts";
import { serve } from "./commands/serve.ts";
import { show } from "./commands/show.ts";
import { signal } from "./commands/signal.ts";
import { cancel, pause, resume, retry } from "./commands/tell.ts";
import { Failed, Trouble, UsageError } from "./ending.ts";
import { helpLines } from "./render/help-lines.ts";
import { wrapped } from "./render/amounts.ts";
import { root } from "./root.ts";
import { Screen } from "./screen.ts";
import { Surroundings } from "./surroundings.ts";

const catena = root.pipe(
  Command.withSubcommands([
    { group: "Work", commands: [init, dev, run, serve] },
    {
      group: "Jobs",
      commands: [jobs, show, retry, cancel, pause, resume, signal, deadLetters, erase, prune],
    },
    { group: "Pipelines", commands: [graph, check, emulator] },
  ]),
);

/** Neither a wizard, which would ask back, nor levels of a log that is none of a command's results. */
const builtIns = [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions];

/** The exit code; everything there is to say has been said. Interrupted where the process was told to leave. */
export const obey = Effect.fnUntraced(function* (words: ReadonlyArray<string>) {
  const screen = yield* Screen;
  const { version } = (yield* Surroundings).catena;
  const command = Command.runWith(catena, { version })(words).pipe(
    Effect.provideService(CliOutput.Presenter, presenter(screen, words)),
    Effect.provideService(CliConfig.CliConfig, CliConfig.make({ builtIns })),
  );
  const exit = yield* Effect.exit(command);
  if (Exit.isSuccess(exit)) return 0;
  if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt;
  return ended(Cause.squash(exit.cause), { screen, isJson: isJson(words) });
});

/** A command line that is wrong as a whole may be so before or behind this word. */
const isJson = (words: ReadonlyArray<string>): boolean => words.includes("--json");

/** Of help where no terminal says how wide it is. */
const helpWidth = 80;

/** Help that was asked for is a result; what is wrong with a command line is one sentence, and where help is. */
const presenter = (
  screen: Screen["Service"],
  words: ReadonlyArray<string>,
): CliOutput.Presenter => ({
  present: (event) =>
    Effect.sync(() => {
      if (event._tag === "Help")
        screen.out(
          helpLines(event.helpDoc, Number.isFinite(screen.width) ? screen.width : helpWidth).join(
            "\n",
          ),
        );
      else if (event._tag === "Version")
        screen.out(isJson(words) ? JSON.stringify({ version: event.version }) : event.version);
      else {
        const said = [...new Set(event.errors.map(({ message }) => message.trim()))].join("\n");
        const help = `${event.commandPath.join(" ")} --help`;
        complain(`${said}\nSee: ${help}`, { kind: "usage", screen, isJson: isJson(words) });
      }
    }),
});

const prefix = "catena: ";

interface Manner {
  readonly screen: Screen["Service"];
  readonly isJson: boolean;
}

const complain = (
  message: string,
  { kind, screen, isJson: asJson }: Manner & { readonly kind: "usage" | "failed" | "defect" },
): void => {
  if (asJson) screen.err(JSON.stringify({ error: { kind, message } }));
  else {
    const lines = fitting(message, screen.noteWidth - prefix.length);
    screen.err(`${screen.paint("red", prefix, "err")}${lines.join("\n")}`);
  }
};

/** Sentences are broken to the width; what is indented, such as code, is left as it stands. */
const fitting = (message: string, width: number): ReadonlyArray<string> =>
  message.split("\n").flatMap((line) => (line.startsWith(" ") ? [line] : wrapped(line, width)));

const ended = (error: unknown, manner: Manner): 0 | 1 | 2 => {
  if (error instanceof Failed) return 1;
  if (isShowHelp(error)) return error.errors.length === 0 ? 0 : 2;
  if (isWrongUse(error)) {
    complain(error.message, { ...manner, kind: "usage" });
    return 2;
  }
  const isKnown =
    error instanceof Trouble || error instanceof StoreFailure || error instanceof AssetStoreFailure;
  if (isKnown) complain(error.message, { ...manner, kind: "failed" });
  else complain(bugOf(error), { ...manner, kind: "defect" });
  return 1;
};

const isWrongUse = (error: unknown): error is Error =>
  error instanceof UsageError ||
  error instanceof JobUnavailable ||
  error instanceof LetterUnavailable;

const isShowHelp = (
  error: unknown,
): error is { readonly _tag: "ShowHelp"; readonly errors: ReadonlyArray<unknown> } =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "ShowHelp";

/** Not foreseen: what it says and where, in the user's code if it was there. */
const bugOf = (error: unknown): string => {
  if (!(error instanceof Error)) return `ended by ${String(error)}`;
  const at = firstLineInUserCode(error.stack ?? "");
  return `${error.name}: ${error.message}${at === undefined ? "" : `\n  ${at}`}`;
};
