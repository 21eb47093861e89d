/** A job seen to its rest by a command: what came of it is printed, and is the command's exit code. */
import { Clock, Effect, Schedule } from "effect";
import type { RuntimeOptions } from "../options.ts";
import { storedJobs } from "../stored-jobs.ts";
import { Failed } from "./ending.ts";
import { reportOf } from "./job-report.ts";
import type { RunningService } from "./job-service.ts";
import { commands, nextCommand } from "./next-command.ts";
import { failureLines } from "./render/report-lines.ts";
import { root } from "./root.ts";
import { Screen } from "./screen.ts";

export interface Seen {
  readonly service: RunningService;
  readonly jobId: string;
  /** What the service's store is, as its options say. */
  readonly store: RuntimeOptions["store"];
}

/** Prints the output. Fails with: Failed where the job did not complete, StoreFailure, AssetStoreFailure. */
export const seeToItsEnd = Effect.fnUntraced(function* ({ service, jobId, store }: Seen) {
  const screen = yield* Screen;
  const command = yield* commands;
  const { json: isJson } = yield* root;
  const { engine } = service;
  const isKept = store !== "memory";
  const { status, costMicros } = yield* Effect.onInterrupt(engine.jobs.rested(jobId), () =>
    Effect.sync(() => {
      if (isKept) {
        screen.err(`\nInterrupted. Job ${jobId} rests as it stands and goes on with:`);
        screen.err(`  ${command("resume", jobId, "--wait")}`);
      } else screen.err(`\nInterrupted. Job ${jobId} was in memory, and is gone.`);
    }),
  );
  const report = yield* reportOf(storedJobs(engine.store, engine.assets), jobId);
  const { output, failure } = report;
  const isComplete = status === "complete";
  if (isJson) {
    const ended = isComplete ? { output } : { failure };
    screen.out(JSON.stringify({ jobId, status, costMicros, ...ended }, null, 2));
  } else if (isComplete) screen.out(JSON.stringify(output, null, 2));
  else if (failure === null) screen.err(`Job ${jobId} was cancelled.`);
  else {
    const next = isKept ? nextCommand(report.job, { command, isAttended: false }) : null;
    const view = { screen, now: yield* Clock.currentTimeMillis, next };
    for (const line of failureLines(failure, view)) screen.err(line);
  }
  yield* untilTold(service, jobId);
  if (!isComplete) yield* new Failed();
});

const toldWithin = "5 seconds";
const lookEvery = "20 millis";

/**
 * Waits until each subscription that this process tells of the job's end was tried once: perhaps no other process
 * comes for days. What has failed, takes longer or cannot be looked at is left to the next.
 */
const untilTold = ({ engine }: RunningService, jobId: string): Effect.Effect<void> => {
  const isUntried = Effect.map(engine.notifications.list({ jobId, state: "due" }), (rows) =>
    rows.some(({ attempts, owner }) => attempts === 0 && owner === engine.owner),
  );
  const tried = Effect.repeat(isUntried, {
    schedule: Schedule.spaced(lookEvery),
    while: (isWaiting) => isWaiting,
  });
  return Effect.ignore(Effect.timeoutOption(tried, toldWithin));
};
