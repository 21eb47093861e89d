/** `catena erase`: takes one job's content out of tables, log and files, whoever runs the jobs; its status and cost stay. */
import { Effect } from "effect";
import { Argument, Command } from "effect/cli";
import { eraseJob } from "../../retention/erase.ts";
import { keepAll } from "../../retention/policy.ts";
import { loadProject } from "../project.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { openRetention } from "../store-retention.ts";

const words = { job: Argument.String("job").pipe(Argument.withDescription("The job's id")) };

const eraseOne = Effect.fnUntraced(function* ({ job }: { readonly job: string }) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { options } = yield* loadProject();
  const { record, bytes, rawAnswers, assets } = yield* eraseJob(
    yield* openRetention(options, keepAll),
    job,
  );
  const { jobId, status, erasedAt } = record;
  if (json) {
    screen.out(JSON.stringify({ jobId, status, erasedAt, bytes, rawAnswers, assets }, null, 2));
    return;
  }
  const gone = `${bytes} bytes of its journal, ${rawAnswers} raw answers among them, and ${assets.count} files`;
  screen.out(`Erased job ${jobId}: ${gone}. Its status (${status}) and cost stay.`);
});

export const erase = Command.make("erase", words, (input) => Effect.scoped(eraseOne(input))).pipe(
  Command.withDescription(
    "Take a resting job's content out of tables, log and files; its status and cost stay",
  ),
);
