/** `catena serve`: runs the jobs of the store until it is told to leave, and lets them go as they stand. */
import { Effect } from "effect";
import { Command, Flag } from "effect/cli";
import { makeHttpPlace } from "../http-server.ts";
import { startService } from "../job-service.ts";
import { loadProject, requireClients } from "../project.ts";
import { httpLine, serviceLine, storeLine } from "../render/service-lines.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { Surroundings } from "../surroundings.ts";

const words = {
  http: Flag.Boolean("http").pipe(
    Flag.withDescription("Serve the HTTP API, too; --no-http runs jobs only"),
    Flag.withDefault(true),
  ),
};

const serveJobs = Effect.fnUntraced(function* ({ http }: { readonly http: boolean }) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { onInterrupt } = yield* Surroundings;
  const { options, settings } = yield* loadProject();
  yield* requireClients(options.pipelines, options.models);
  onInterrupt(0);
  const service = yield* startService({ options, intake: "any" });
  const address = http ? yield* (yield* makeHttpPlace(settings)).show(service, options) : null;
  const { recovered } = service.engine;
  if (json) screen.out(JSON.stringify({ event: "started", recovered, address }));
  else {
    screen.out(serviceLine(options.pipelines, recovered));
    screen.out(storeLine(options));
    if (address !== null) screen.out(httpLine(address, options));
  }
  return yield* Effect.onInterrupt(Effect.never, () =>
    Effect.sync(() => {
      screen.err("Leaves; unfinished jobs go on where they stand with the next process.");
    }),
  );
});

export const serve = Command.make("serve", words, (input) => Effect.scoped(serveJobs(input))).pipe(
  Command.withDescription("Run the jobs of the store until SIGINT or SIGTERM"),
);
