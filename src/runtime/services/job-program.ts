/** Which Effect program stands behind each service that a machine invokes. */
import { Clock, Effect, Result } from "effect";
import type { Service } from "../../machines/advance.ts";
import { outputPath } from "../../machines/plan.ts";
import { ValidationFailure } from "../../steps/failure.ts";
import { waitFor } from "./attempt.ts";
import { codecOf } from "./codecs.ts";
import { handOverOf, keep, nodeAt } from "./hand-over.ts";
import type { ServiceJob } from "../jobs/job-host.ts";
import { runModelStep } from "./model-step.ts";
import { runStep } from "./run-step.ts";

export const jobProgram = (service: Service, job: ServiceJob): Effect.Effect<void> => {
  if (service.source === "output") return shapeOutput(job);
  if (service.source === "cancelling") return confirmCancel(job);
  const node = nodeAt(job.deployed.plan, service.id);
  if (node === undefined) return Effect.die(new Error(`the pipeline has no step ${service.id}`));
  const { program } = node.step;
  return program.kind === "run" ? runStep(job, node, program) : runModelStep(job, node, program);
};

/** The pipeline's own last word: what users see. */
const shapeOutput = Effect.fnUntraced(function* (job: ServiceJob): Effect.fn.Return<void> {
  const { output } = job.deployed.plan;
  const value = output.map(yield* handOverOf(job));
  const encoded = codecOf(output.schema).encode(value);
  if (Result.isSuccess(encoded)) {
    return yield* job.append({ type: "JobCompleted", output: yield* keep(job, encoded.success) });
  }
  const failure = new ValidationFailure({ at: "output", issues: encoded.failure });
  const stored = { _tag: "ValidationFailure", at: failure.at, issues: failure.issues } as const;
  yield* job.append({
    type: "StepFailed",
    path: outputPath,
    attempt: 1,
    kind: "validation",
    failure: stored,
  });
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
