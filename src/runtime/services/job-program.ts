/** Which Effect program stands behind each service that a machine invokes. */
import { Clock, Effect, Result } from "effect";
import type { Service } from "../../machines/advance.ts";
import { outputPath } from "../../machines/plan.ts";
import { encodeFailure, type Issue, ValidationFailure } from "../../steps/failure.ts";
import type { Fact } from "../../machines/entry.ts";
import type { HandOver } from "../../machines/plan.ts";
import { mapAtOnce, there, thenAtOnce } from "./at-once.ts";
import { waitFor } from "./attempt.ts";
import { codecOf } from "./codecs.ts";
import { handOverOf, keep, nodeAt } from "./hand-over.ts";
import type { ServiceJob } from "../jobs/job-host.ts";
import { runModelStep } from "./model-step.ts";
import { runStep } from "./run-step.ts";
import { runSignalStep } from "./signal-step.ts";
import { unusableIn } from "../usable-files.ts";

/** Null where the service has said all that it had to say, at once. */
export const jobProgram = (service: Service, job: ServiceJob): Effect.Effect<void> | null => {
  if (service.source === "output") return shapeOutput(job);
  if (service.source === "cancelling") return confirmCancel(job);
  const node = nodeAt(job.deployed.plan, service.id);
  if (node === undefined) return Effect.die(new Error(`the pipeline has no step ${service.id}`));
  const { program } = node.step;
  if (program.kind === "run") return runStep(job, node, program);
  if (program.kind === "model") return runModelStep(job, node, program);
  return runSignalStep({ job, node: { ...node, program } });
};

/** The pipeline's own last word: what users see. */
const shapeOutput = (job: ServiceJob): Effect.Effect<void> | null => {
  const shaped = thenAtOnce(handOverOf(job), (handOver) => outputFact(job, handOver));
  const fact = there(shaped)?.value;
  if (fact === undefined) return Effect.flatMap(shaped, (known) => job.append(known));
  job.conclude(fact);
  return null;
};

const outputFact = (job: ServiceJob, handOver: HandOver): Effect.Effect<Fact> => {
  const { output } = job.deployed.plan;
  const encoded = codecOf(output.schema).encode(output.map(handOver));
  if (Result.isFailure(encoded)) return Effect.succeed(unfit(encoded.failure));
  const json = encoded.success;
  return thenAtOnce(unusableIn({ store: job.host.store, jobId: job.jobId }, json), (issues) =>
    issues.length > 0
      ? Effect.succeed(unfit(issues))
      : mapAtOnce(keep(job, json), (value): Fact => ({ type: "JobCompleted", output: value })),
  );
};

const unfit = (issues: ReadonlyArray<Issue>): Fact => ({
  type: "StepFailed",
  path: outputPath,
  attempt: 1,
  kind: "validation",
  failure: encodeFailure(new ValidationFailure({ at: "output", issues })),
});

/** A cancelled job is over when every open prediction has ended remotely, or the grace for it has. */
const confirmCancel = Effect.fnUntraced(function* (job: ServiceJob): Effect.fn.Return<void> {
  const isClosed = () => Object.keys(job.context().open).length === 0;
  const { closeGraceMs } = job.host.settings;
  const now = yield* Clock.currentTimeMillis;
  const timer = { wakeAt: now + closeGraceMs, delayMs: closeGraceMs };
  yield* Effect.raceFirst(job.until(isClosed), waitFor(timer));
  const unconfirmed = Object.entries(job.context().open).map(
    ([key, { path }]) => ({ type: "PredictionUnconfirmed", path, key }) as const,
  );
  for (const { key } of unconfirmed) job.host.providers.giveUp(key);
  yield* job.append(...unconfirmed, { type: "JobCancelled" });
});
