/** Starts Catenas in every state of busyness, stops them, and must then end by itself. */
import { join } from "node:path";
import { Effect } from "effect";
import { Catena, ProviderFailure, Retry } from "../../../src/index.ts";
import { chainOf, newScript } from "./chains.ts";

const folder = process.argv[2] ?? ".";
const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });
const chain = chainOf(
  newScript({
    first: (input) => (input === "slow" ? Effect.never : Effect.succeed(input)),
    second: () => Effect.fail(down),
  }),
  { retry: Retry.fixed({ attempts: 2, delayMs: 3_600_000 }) },
);
for (const store of ["memory", join(folder, "stopping.db")]) {
  const catena = await Catena.start({ pipelines: [chain], store, concurrency: 2 });
  const jobs = await Promise.all(
    ["slow", "quick", "late"].map((input) => catena.submit(chain, input)),
  );
  for (const job of jobs) job.outcome().catch(() => undefined);
  await jobs[0]?.pause();
  await jobs[2]?.cancel();
  await catena.stop();
}
// A step and an inspector that stop, in their own turn, what runs and shows them.
for (const who of ["step", "inspector"]) {
  const stops: Array<Promise<void>> = [];
  const stopping = chainOf(
    newScript({
      second: () => {
        if (who === "step") stops.push(catena.stop());
        return Effect.never;
      },
    }),
  );
  const catena = await Catena.start({
    pipelines: [stopping],
    store: join(folder, `${who}.db`),
    inspect: ({ snapshot }) => {
      if (who === "inspector" && "first" in snapshot.context.outputs) stops.push(catena.stop());
    },
  });
  const job = await catena.submit(stopping, "x");
  await job.outcome().catch(() => undefined);
  await Promise.all(stops);
}
console.log("stopped");
