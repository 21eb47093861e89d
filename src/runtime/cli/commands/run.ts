/** `catena run`: one job from its input to its end in this process, or only submitted for another. */
import { Effect, Option, Result, Schema } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import type { AnyPipeline } from "../../../machines/pipeline.ts";
import { codecOf } from "../../services/codecs.ts";
import { UsageError } from "../ending.ts";
import { readInput } from "../job-input.ts";
import { startService } from "../job-service.ts";
import { optionsOf } from "../narrowed-options.ts";
import { oneStepOf } from "../one-step.ts";
import { findPipeline, loadProject, requireClients } from "../project.ts";
import { progress } from "../progress.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { Surroundings } from "../surroundings.ts";
import { seeToItsEnd } from "../to-its-end.ts";
import { unfit } from "../unfit.ts";

const words = {
  pipeline: Argument.String("pipeline").pipe(
    Argument.withDescription("Its name; name@version where there are several"),
  ),
  file: Argument.String("file").pipe(
    Argument.withDescription("The input as JSON; - reads the standard input"),
    Argument.optional,
  ),
  set: Flag.String("set").pipe(
    Flag.withMetavar("FIELD=VALUE"),
    Flag.withDescription("Set a field of the input, to JSON or text; as often as needed"),
    Flag.atLeast(0),
  ),
  only: Flag.String("only").pipe(
    Flag.withMetavar("STEP"),
    Flag.withDescription("Run this step alone; the input is the step's own"),
    Flag.optional,
  ),
  key: Flag.String("key").pipe(
    Flag.withMetavar("KEY"),
    Flag.withDescription("Idempotency key: the same key is the same job, whatever the input"),
    Flag.withSchema(Schema.NonEmptyString),
    Flag.optional,
  ),
  detach: Flag.Boolean("detach").pipe(
    Flag.withDescription("Submit only; a process of catena serve or catena dev runs it"),
    Flag.withDefault(false),
  ),
};

type Words = Command.Command.Config.Infer<typeof words>;

export const run = Command.make("run", words, (input) => Effect.scoped(runJob(input))).pipe(
  Command.withDescription(
    "Run one job here: progress goes to the standard error, the output to the standard output",
  ),
  Command.withExamples([
    { command: "catena run poster brief.json" },
    { command: "catena run poster brief.json --set tone=calm --key order-17" },
    { command: "cat brief.json | catena run poster - --only concept" },
  ]),
);

const runJob = Effect.fnUntraced(function* ({ pipeline, file, set, only, key, detach }: Words) {
  const { folder } = yield* Surroundings;
  const project = yield* loadProject();
  const whole = yield* findPipeline(project.options.pipelines, pipeline);
  const asked = Option.isSome(only) ? yield* oneStepOf(whole, only.value) : whole;
  // Who runs a detached job has its own clients, such as those of an emulator.
  if (!detach) yield* requireClients([asked], project.options.models);
  const json = yield* readInput({ folder, file: Option.getOrNull(file), sets: set });
  // A step alone may be given all of the output before it, as in the pipeline.
  const input = yield* decoded(asked, json, Option.isSome(only) ? "decode" : "decodeExactly");
  const options = optionsOf(project.options, [asked]);
  if (detach && options.store === "memory")
    return yield* new UsageError({
      message:
        "--detach leaves the job to another process, and the store is in memory: name a file.",
    });
  const observe = detach ? undefined : yield* progress();
  const service = yield* startService({
    options,
    intake: detach ? "none" : "own",
    ...(observe !== undefined && { observe }),
  });
  const { jobId, isNew } = yield* service.submit(
    asked,
    input,
    Option.isSome(key) ? { idempotencyKey: key.value } : {},
  );
  if (detach) return yield* submitted(jobId, isNew);
  const screen = yield* Screen;
  if (!isNew) screen.err(`Job ${jobId} has this key already: its own input counts`);
  yield* service.engine.jobs.takeUp(jobId);
  yield* seeToItsEnd({ service, jobId, store: options.store });
});

const submitted = Effect.fnUntraced(function* (jobId: string, isNew: boolean) {
  const { json } = yield* root;
  const screen = yield* Screen;
  screen.out(json ? JSON.stringify({ jobId, isNew }) : jobId);
});

/** Fails with: UsageError, that names every field. */
const decoded = (
  { plan }: AnyPipeline,
  json: Schema.Json,
  how: "decode" | "decodeExactly",
): Effect.Effect<unknown, UsageError> => {
  const value = codecOf(plan.input)[how](json);
  if (Result.isSuccess(value)) return Effect.succeed(value.success);
  return Effect.fail(
    unfit(`The input does not fit ${plan.name}@${plan.version}`, value.failure, json),
  );
};
