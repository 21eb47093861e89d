/** `catena signal`: the pipelines of this version wait for no signals, and the command says so. */
import { Effect } from "effect";
import { Argument, Command } from "effect/cli";
import { UsageError } from "../ending.ts";
import { openStoredJobs } from "../project.ts";

const words = {
  job: Argument.String("job").pipe(Argument.withDescription("The job's id")),
  name: Argument.String("name").pipe(Argument.withDescription("The signal's name")),
  payload: Argument.String("payload").pipe(
    Argument.withDescription("Its payload as JSON"),
    Argument.optional,
  ),
};

type Words = Command.Command.Config.Infer<typeof words>;

const send = Effect.fnUntraced(function* ({ job, name }: Words) {
  const store = yield* openStoredJobs();
  const { record } = yield* store.state(job);
  const pipeline = `${record.pipeline}@${record.version}`;
  return yield* new UsageError({
    message: `The pipeline ${pipeline} has no step that waits for a signal ${JSON.stringify(name)}: this version of Catena has no signal steps.`,
  });
});

export const signal = Command.make("signal", words, (input) => Effect.scoped(send(input))).pipe(
  Command.withDescription("Send a signal to a job; no pipeline of this version waits for one"),
);
