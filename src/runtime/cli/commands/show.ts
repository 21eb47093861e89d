/** `catena show`: everything about one job, and the command that takes it on. */
import { Clock, Effect } from "effect";
import { Argument, Command } from "effect/cli";
import { reportOf } from "../job-report.ts";
import { commands, nextCommand } from "../next-command.ts";
import { openStoredJobs } from "../project.ts";
import { reportLines } from "../render/report-lines.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";

const words = { job: Argument.String("job").pipe(Argument.withDescription("The job's id")) };

export const show = Command.make("show", words, ({ job }) => Effect.scoped(showJob(job))).pipe(
  Command.withDescription("Show one job: its steps, why it failed, what it waits for and cost"),
);

const showJob = Effect.fnUntraced(function* (jobId: string) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const store = yield* openStoredJobs();
  const report = yield* reportOf(store, jobId);
  const isAttended = (yield* store.caretaker(jobId)) !== "nobody";
  const next = nextCommand(report.job, { command: yield* commands, isAttended });
  if (json) screen.out(JSON.stringify({ ...report, next }, null, 2));
  else {
    const view = { screen, now: yield* Clock.currentTimeMillis, next };
    screen.out(reportLines(report, view).join("\n"));
  }
});
