/**
 * `catena signal`: sends a job what one of its steps waits for, checked by the step's own schema before it is
 * taken. With `--wait` this process runs the job to its rest where no other does.
 */
import { text } from "node:stream/consumers";
import { Effect, Option, Result, Schema } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import { noSuchSignal, signalNamed, signalValue } from "../../signals.ts";
import { UsageError } from "../ending.ts";
import { openStoredJobs } from "../project.ts";
import { unfit } from "../unfit.ts";
import { optionsFor, ownPipeline, runHere, said, wait } from "./tell.ts";

const words = {
  job: Argument.String("job").pipe(Argument.withDescription("The job's id")),
  name: Argument.String("name").pipe(
    Argument.withDescription("The signal's name: that of the step that waits for it"),
  ),
  value: Argument.String("value").pipe(
    Argument.withDescription("What is sent, as JSON; - reads the standard input"),
  ),
  key: Flag.String("key").pipe(
    Flag.withMetavar("KEY"),
    Flag.withDescription("Idempotency key: sent again under it, it is the same signal"),
    Flag.withSchema(Schema.NonEmptyString),
    Flag.optional,
  ),
  wait,
};

type Words = Command.Command.Config.Infer<typeof words>;

export const signal = Command.make("signal", words, (input) => Effect.scoped(send(input))).pipe(
  Command.withDescription("Send a job what one of its steps waits for, or will wait for"),
  Command.withExamples([{ command: `catena signal JOB review '{"approved":true,"by":"eve"}'` }]),
);

const send = Effect.fnUntraced(function* (input: Words) {
  const { job: jobId, name: path, key } = input;
  const store = yield* openStoredJobs();
  const { record } = yield* store.state(jobId);
  // Nothing is sent to a job that could then not be run.
  const options = input.wait ? yield* optionsFor(record) : yield* ownPipeline(record);
  const node = options.pipelines.map(({ plan }) => signalNamed(plan, path))[0];
  if (node === undefined) {
    const [own] = options.pipelines;
    const none = own === undefined ? "there is no such signal" : noSuchSignal(own.plan, path);
    return yield* new UsageError({ message: `Job ${jobId}: ${none}` });
  }
  const json = yield* jsonOf(input.value);
  const value = signalValue(node, json);
  if (Result.isFailure(value))
    return yield* unfit(`The value does not fit the signal ${path}`, value.failure, json);
  const sent = { jobId, path, value: value.success, id: Option.getOrNull(key), by: "cli" };
  const { isNew } = yield* store.signal({ ...sent, isTrusted: true });
  if (input.wait) return yield* runHere(jobId, options);
  const word = isNew ? "The signal is kept" : "It was received before";
  return yield* said(store, jobId, { verb: "signal", word });
});

const readJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Json));

/** Fails with: UsageError. */
const jsonOf = Effect.fnUntraced(function* (
  said_: string,
): Effect.fn.Return<Schema.Json, UsageError> {
  const given = said_ === "-" ? yield* Effect.promise(() => text(process.stdin)) : said_;
  const json = readJson(given);
  if (Option.isSome(json)) return json.value;
  const message = `Expected the value as JSON, such as '{"approved":true}', got ${given}`;
  return yield* new UsageError({ message });
});
