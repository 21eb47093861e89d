/**
 * `catena retry`, `cancel`, `pause`, `resume`: a word for a job, left in its inbox for the process that runs
 * it. With `--wait` this process runs the job to its rest where no other does.
 */
import { Effect } from "effect";
import { Argument, Command, Flag } from "effect/cli";
import type { Fact } from "../../../machines/entry.ts";
import { fingerprintOf } from "../../engine.ts";
import type { StateRecord } from "../../journal-store.ts";
import type { Caretaker, StoredJobs } from "../../stored-jobs.ts";
import type { ConfigOptions } from "../config-file.ts";
import { UsageError } from "../ending.ts";
import { startService } from "../job-service.ts";
import { commands } from "../next-command.ts";
import { optionsOf } from "../narrowed-options.ts";
import { withSteps } from "../one-step.ts";
import { loadProject, openStoredJobs, requireClients } from "../project.ts";
import { progress } from "../progress.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { seeToItsEnd } from "../to-its-end.ts";

const job = Argument.String("job").pipe(Argument.withDescription("The job's id"));
export const wait = Flag.Boolean("wait").pipe(
  Flag.withDescription("Run the job here to its rest, unless another process does"),
  Flag.withDefault(false),
);
const fresh = Flag.Boolean("fresh").pipe(
  Flag.withDescription("Ask the model anew; default: a kept answer is read again first"),
  Flag.withDefault(false),
);

const by = "cli";

export const retry = Command.make("retry", { job, fresh, wait }, (words) =>
  Effect.scoped(
    tell({ ...words, fact: { type: "RetryRequested", by, isFresh: words.fresh }, verb: "retry" }),
  ),
).pipe(Command.withDescription("Go on with a failed job at the step that failed"));

export const cancel = Command.make("cancel", { job, wait }, (words) =>
  Effect.scoped(tell({ ...words, fact: { type: "CancelRequested", by }, verb: "cancel" })),
).pipe(Command.withDescription("End a job, and what it has running remotely"));

export const pause = Command.make("pause", { job }, (words) =>
  Effect.scoped(
    tell({ ...words, wait: false, fact: { type: "PauseRequested", by }, verb: "pause" }),
  ),
).pipe(Command.withDescription("Start nothing new in a job; what is open is awaited and kept"));

export const resume = Command.make("resume", { job, wait }, (words) =>
  Effect.scoped(resumeJob(words)),
).pipe(
  Command.withDescription("Go on with a paused job, or with --wait with one that was interrupted"),
);

interface Word {
  readonly job: string;
  readonly wait: boolean;
  readonly fact: Fact;
  readonly verb: string;
}

/** A job that was left in the middle is not paused: all it needs is a process. */
const resumeJob = Effect.fnUntraced(function* (words: {
  readonly job: string;
  readonly wait: boolean;
}) {
  const store = yield* openStoredJobs();
  const { record } = yield* store.state(words.job);
  const isUnfinished = record.status === "pending" || record.status === "processing";
  if (record.detail === "paused" || (!isUnfinished && !words.wait))
    return yield* tell({ ...words, fact: { type: "ResumeRequested", by }, verb: "resume" });
  // Where it has come to its end meanwhile, that is what was waited for.
  if (words.wait) return yield* runHere(words.job, yield* optionsFor(record));
  return yield* said(store, words.job, { verb: "resume", word: "It is not paused" });
});

const tell = Effect.fnUntraced(function* ({ job: jobId, wait: isWaiting, fact, verb }: Word) {
  const store = yield* openStoredJobs();
  const { record } = yield* store.state(jobId);
  // Nothing is asked of a job that could then not be run.
  const options = isWaiting ? yield* optionsFor(record) : null;
  yield* store.tell(jobId, fact);
  if (options !== null) return yield* runHere(jobId, options);
  return yield* said(store, jobId, { verb, word: "The word is kept" });
});

/** Who hears it, and what to do where nobody does. */
export const said = Effect.fnUntraced(function* (
  store: StoredJobs,
  jobId: string,
  { verb, word }: { readonly verb: string; readonly word: string },
) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const command = yield* commands;
  const caretaker = yield* store.caretaker(jobId);
  const { record } = yield* store.state(jobId);
  const pipeline = `${record.pipeline}@${record.version}`;
  if (json) {
    screen.out(JSON.stringify({ jobId, asked: verb, heardBy: caretaker }));
    return;
  }
  const heard: { readonly [Who in Caretaker]: ReadonlyArray<string> } = {
    "its owner": ["The process that runs the job has it."],
    "some process": [`A process runs jobs of this store; it takes this one if it has ${pipeline}.`],
    nobody: [
      `${word}, and no process runs jobs of this store now. One that does:`,
      ...(verb === "pause"
        ? []
        : [`  ${command(verb === "signal" ? "resume" : verb, jobId, "--wait")}`]),
      `  ${command("serve", "--no-http")}`,
    ],
  };
  screen.out(heard[caretaker].join("\n"));
});

export const runHere = Effect.fnUntraced(function* (jobId: string, options: ConfigOptions) {
  const service = yield* startService({ options, intake: "own", observe: yield* progress() });
  yield* service.engine.jobs.takeUp(jobId);
  yield* seeToItsEnd({ service, jobId, store: options.store });
});

/** What a process needs to run this job. Fails with: UsageError. */
export const optionsFor = Effect.fnUntraced(function* (record: StateRecord) {
  const options = yield* ownPipeline(record);
  yield* requireClients(options.pipelines, options.models);
  return options;
});

/** The config with the job's own pipeline alone. Fails with: UsageError. */
export const ownPipeline = Effect.fnUntraced(function* (record: StateRecord) {
  const { jobId, pipeline, version, fingerprint } = record;
  const { options } = yield* loadProject();
  const pipelines = yield* withSteps(options.pipelines);
  const own = pipelines.filter(({ plan }) => plan.name === pipeline && plan.version === version);
  if (own.length === 0) {
    const message = `Job ${jobId} is of the pipeline ${pipeline}@${version}, which the config does not have.`;
    return yield* new UsageError({ message });
  }
  if (own.every(({ plan }) => fingerprintOf(plan) !== fingerprint)) {
    const message = `Job ${jobId} began when ${pipeline}@${version} had other steps, and fits those alone: a pipeline whose steps change needs a new version, beside the old one until its jobs are over.`;
    return yield* new UsageError({ message });
  }
  return optionsOf(options, own);
});
