/**
 * `catena dead-letters`: what has failed for good, with its causes counted; `redrive` goes on with it and
 * `discard` leaves it at that, one by one or by the many. Nothing is run here.
 */
import { Clock, Effect, Option } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import { instantOf } from "../../http-api/asking.ts";
import type { LettersDone } from "../../dead-letters.ts";
import type { LetterFilter } from "../../journal-dead-letters.ts";
import { UsageError } from "../ending.ts";
import { commands } from "../next-command.ts";
import { openStoredJobs } from "../project.ts";
import { causeLines, lettersTable } from "../render/letters-table.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";

const kinds = ["validation", "timeout", "provider", "policy", "defect", "undeliverable"] as const;

const named = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.optional,
  );

const filterWords = {
  pipeline: named("pipeline", "NAME", "Only letters of this pipeline"),
  step: named("step", "NAME", "Only letters of this step"),
  kind: Flag.Literals("kind", kinds).pipe(
    Flag.withDescription("Only letters of this kind"),
    Flag.optional,
  ),
  cause: named("cause", "CAUSE", "Only letters of this cause, as --causes names it"),
  from: named("from", "INSTANT", "Died then or later, such as 2026-01-31T12:00:00Z"),
  to: named("to", "INSTANT", "Died before then"),
};
type FilterWords = Command.Command.Config.Infer<typeof filterWords>;

const listWords = {
  ...filterWords,
  causes: Flag.Boolean("causes").pipe(
    Flag.withDescription("Count the letters by their cause"),
    Flag.withDefault(false),
  ),
  limit: Flag.Int("limit").pipe(
    Flag.withDescription("At most so many; default 20"),
    Flag.withDefault(20),
  ),
};

const chosen = {
  letter: Argument.String("letter").pipe(
    Argument.withDescription("The letter's id: its job's"),
    Argument.optional,
  ),
  ...filterWords,
  all: Flag.Boolean("all").pipe(
    Flag.withDescription("Every letter there is"),
    Flag.withDefault(false),
  ),
};
type Chosen = Command.Command.Config.Infer<typeof chosen>;

const redriveWords = {
  ...chosen,
  fresh: Flag.Boolean("fresh").pipe(
    Flag.withDescription("Ask the model anew; default: a kept answer is read again first"),
    Flag.withDefault(false),
  ),
};

const redrive = Command.make("redrive", redriveWords, (words) =>
  Effect.scoped(redriveLetters(words)),
).pipe(Command.withDescription("Go on with failed jobs at the step that failed"));

const discard = Command.make("discard", chosen, (words) =>
  Effect.scoped(discardLetters(words)),
).pipe(Command.withDescription("Leave letters at that: their jobs stay as they are"));

export const deadLetters = Command.make("dead-letters", listWords, (words) =>
  Effect.scoped(listLetters(words)),
).pipe(
  Command.withDescription("List what has failed for good, newest first"),
  Command.withExamples([
    { command: "catena dead-letters --causes" },
    { command: "catena dead-letters redrive --pipeline poster --kind provider" },
  ]),
  Command.withSubcommands([redrive, discard]),
);

const listLetters = Effect.fnUntraced(function* (
  words: Command.Command.Config.Infer<typeof listWords>,
) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { limit } = words;
  if (limit < 1) yield* new UsageError({ message: `Expected --limit above 0, got ${limit}.` });
  const wanted = yield* filterOf(words);
  const { letters } = yield* openStoredJobs();
  const view = { now: yield* Clock.currentTimeMillis, width: screen.width };
  const show = <Row>(
    rows: ReadonlyArray<Row>,
    render: (rows: ReadonlyArray<Row>, around: typeof view) => ReadonlyArray<string>,
  ): void => {
    if (json) screen.out(JSON.stringify(rows, null, 2));
    else if (rows.length === 0) screen.err("No dead letters.");
    else {
      screen.out(render(rows, view).join("\n"));
      if (rows.length === limit) screen.err(`The first ${limit}; --limit shows more.`);
    }
  };
  if (words.causes) show(yield* letters.causes(wanted, limit), causeLines);
  else show(yield* letters.list(wanted, { limit }), lettersTable);
});

const redriveLetters = Effect.fnUntraced(function* (
  words: Command.Command.Config.Infer<typeof redriveWords>,
) {
  const wanted = yield* wantedOf(words);
  const { letters, isServed } = yield* openStoredJobs();
  const how = { by: "cli", isFresh: words.fresh };
  const done =
    wanted.id === null
      ? yield* letters.redriveAll(wanted.filter, how)
      : yield* Effect.as(letters.redrive({ id: wanted.id }, how), one);
  yield* tellDone("redriven", done);
  const { json } = yield* root;
  if (json || done.done === 0 || (yield* isServed)) return;
  const screen = yield* Screen;
  const serve = (yield* commands)("serve", "--no-http");
  screen.err(`No process runs jobs of this store now. One that does:\n  ${serve}`);
});

const discardLetters = Effect.fnUntraced(function* (words: Chosen) {
  const wanted = yield* wantedOf(words);
  const { letters } = yield* openStoredJobs();
  const done =
    wanted.id === null
      ? yield* letters.discardAll(wanted.filter)
      : yield* Effect.as(letters.discard({ id: wanted.id }), one);
  yield* tellDone("discarded", done);
});

const one: LettersDone = { done: 1, skipped: 0, reasons: [], isComplete: true };

const tellDone = Effect.fnUntraced(function* (
  verb: "redriven" | "discarded",
  { done, skipped, reasons, isComplete }: LettersDone,
) {
  const { json } = yield* root;
  const screen = yield* Screen;
  if (json) return screen.out(JSON.stringify({ [verb]: done, skipped, reasons, isComplete }));
  const letters = (count: number): string => `${count} ${count === 1 ? "letter" : "letters"}`;
  screen.out(`${letters(done)} ${verb}.`);
  if (skipped > 0) screen.err([`${letters(skipped)} skipped.`, ...reasons].join("\n  "));
  if (!isComplete) screen.err("There are more: the same words again go on.");
});

/** One letter by its id, or all that the filter finds. Fails with: UsageError. */
const wantedOf = Effect.fnUntraced(function* (
  words: Chosen,
): Effect.fn.Return<{ readonly id: string | null; readonly filter: LetterFilter }, UsageError> {
  const filter = yield* filterOf(words);
  const isNarrowed = Object.keys(filter).length > 0;
  const ways = [Option.isSome(words.letter), isNarrowed, words.all].filter(Boolean).length;
  if (ways !== 1) {
    const message =
      "Expected a letter's id, or some of --pipeline, --step, --kind, --cause, --from and --to, or --all.";
    return yield* new UsageError({ message });
  }
  return { id: Option.getOrNull(words.letter), filter };
});

const filterOf = Effect.fnUntraced(function* (
  words: FilterWords,
): Effect.fn.Return<LetterFilter, UsageError> {
  const { pipeline, step, kind, cause } = words;
  const diedFrom = yield* instantIn("from", words.from);
  const diedBefore = yield* instantIn("to", words.to);
  return {
    ...(Option.isSome(pipeline) && { pipeline: pipeline.value }),
    ...(Option.isSome(step) && { step: step.value }),
    ...(Option.isSome(kind) && { kind: kind.value }),
    ...(Option.isSome(cause) && { cause: cause.value }),
    ...(diedFrom !== null && { diedFrom }),
    ...(diedBefore !== null && { diedBefore }),
  };
});

const instantIn = (
  flag: string,
  word: Option.Option<string>,
): Effect.Effect<number | null, UsageError> => {
  if (Option.isNone(word)) return Effect.succeed(null);
  const at = instantOf(word.value);
  if (at !== undefined) return Effect.succeed(at);
  const got = JSON.stringify(word.value);
  const message = `Expected --${flag} to be an instant such as 2026-01-31T12:00:00Z, got ${got}.`;
  return Effect.fail(new UsageError({ message }));
};
