/** `catena jobs`: what the store holds, newest first, whoever runs it. */
import { Clock, Effect, Option } from "effect";
import { Command, Flag } from "effect/cli";
import { UsageError } from "../ending.ts";
import { openStoredJobs } from "../project.ts";
import { jobsTable } from "../render/jobs-table.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";

const statuses = ["pending", "processing", "failed", "complete", "cancelled"] as const;

const words = {
  status: Flag.Literals("status", statuses).pipe(
    Flag.withDescription("Only jobs of this status"),
    Flag.optional,
  ),
  pipeline: Flag.String("pipeline").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Only jobs of this pipeline"),
    Flag.optional,
  ),
  limit: Flag.Int("limit").pipe(
    Flag.withDescription("At most so many; default 20"),
    Flag.withDefault(20),
  ),
};

type Words = Command.Command.Config.Infer<typeof words>;

export const jobs = Command.make("jobs", words, (input) => Effect.scoped(listJobs(input))).pipe(
  Command.withDescription("List the jobs of the store, newest first"),
  Command.withExamples([{ command: "catena jobs --status failed --json" }]),
);

const listJobs = Effect.fnUntraced(function* ({ status, pipeline, limit }: Words) {
  const { json } = yield* root;
  const screen = yield* Screen;
  if (limit < 1) yield* new UsageError({ message: `Expected --limit above 0, got ${limit}.` });
  const store = yield* openStoredJobs();
  const records = yield* store.list({
    limit,
    ...(Option.isSome(status) && { status: status.value }),
    ...(Option.isSome(pipeline) && { pipeline: pipeline.value }),
  });
  if (json) screen.out(JSON.stringify(records, null, 2));
  else if (records.length === 0) screen.err("No jobs.");
  else {
    const view = { now: yield* Clock.currentTimeMillis, width: screen.width };
    screen.out(jobsTable(records, view).join("\n"));
    if (records.length === limit) screen.err(`The newest ${limit}; --limit shows more.`);
  }
});
