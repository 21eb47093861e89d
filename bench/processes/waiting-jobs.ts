/**
 * A process full of jobs that only wait; answers over IPC what each takes in memory.
 * Arguments: database, what for (`model` or `backoff`), `resident` or `passivated`, how many.
 */
import { Effect, Layer, Schema } from "effect";
import {
  Catena,
  CatenaService,
  type ModelClient,
  Pipeline,
  ProviderFailure,
  Retry,
  Step,
} from "../../src/index.ts";
import { firstPage, Page } from "../chain.ts";
import { until } from "./until.ts";

const [store = "", waitsFor = "model", where = "resident", total = "1000"] = process.argv.slice(2);
const jobs = Number(total);

const running = (id: string, key: string | null) => ({
  id,
  status: "processing" as const,
  output: null,
  error: null,
  input: null,
  key,
  source: "api" as const,
  createdAt: null,
  startedAt: null,
  completedAt: null,
  metrics: {},
  isDataRemoved: false,
  raw: {},
});

const described = {
  model: "slow",
  version: null,
  input: {
    schema: { type: "object", properties: { prompt: { type: "string" } } },
    definitions: {},
  },
  output: null,
};

/** A provider that takes every call and never answers one. */
const slowProvider: ModelClient = {
  provider: "slow",
  canFind: true,
  submit: ({ key }) => Effect.succeed(running(`prediction-of-${key}`, key)),
  get: (id) => Effect.succeed(running(id, null)),
  cancel: (id) => Effect.succeed(running(id, null)),
  find: () => Effect.succeed([]),
  describe: () => Effect.succeed(described),
  download: () => Effect.die(new Error("nothing to download")),
  present: () => Effect.die(new Error("nothing to present")),
};

const asking = Step.model("ask", {
  input: Page,
  output: Schema.String,
  model: "slow",
  request: ({ text }) => ({ prompt: text }),
  timeout: "12 hours",
});

const failing = Step.make("fail", {
  input: Page,
  output: Schema.String,
  fails: ["provider"],
  retry: Retry.fixed({ attempts: 2, delayMs: 3_600_000 }),
  run: () =>
    Effect.fail(new ProviderFailure({ provider: "none", reason: "Unavailable", detail: "closed" })),
});

const first = Step.make("first", { input: Page, output: Page, run: (page) => page });
const draft = Pipeline.make("waiting", { version: 1, input: Page }).step(first);
const pipeline =
  waitsFor === "model"
    ? draft.step(asking).output(Schema.String, ({ last }) => last)
    : draft.step(failing).output(Schema.String, ({ last }) => last);

const memory = () => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
};

const main = Effect.gen(function* () {
  const catena = yield* CatenaService;
  const { counts } = catena.engine.jobs;
  const isSettled = (sum: number): boolean =>
    where === "resident" ? waiting >= sum : waiting >= sum && counts().resident === 0;
  const fill = (sum: number) =>
    Effect.andThen(
      Effect.forEach(
        Array.from({ length: sum - waiting }),
        () => catena.submit(pipeline, firstPage),
        { concurrency: 100, discard: true },
      ),
      Effect.promise(() => until(() => isSettled(sum))),
    );
  // The first jobs bring code and caches into memory that all others share.
  yield* fill(500);
  const before = memory();
  // Few at a time where they leave again, so that nothing is left of a crowd that never was.
  const crowd = where === "resident" ? jobs : 250;
  for (let sum = 500 + crowd; sum <= 500 + jobs; sum += crowd) yield* fill(sum);
  const after = memory();
  process.send?.({
    rss: (after.rss - before.rss) / jobs / 1024,
    heap: (after.heap - before.heap) / jobs / 1024,
  });
});

let waiting = 0;
const live = Catena.layer({
  pipelines: [pipeline],
  store,
  durability: "normal",
  models: slowProvider,
  rate: { createsPerMinute: 60_000_000, burst: 1_000_000 },
  pollEvery: "15 minutes",
  concurrency: 1_000_000,
  passivateAfter: where === "resident" ? "1 hour" : "100 millis",
  recoverEvery: "50 millis",
  inspect: ({ record: { detail } }) => {
    if (detail === "waiting" || detail === "backingOff") waiting += 1;
  },
});
// Its own process ends with the answer; nothing of the jobs needs to be let go.
await Effect.runPromise(Effect.provide(Effect.scoped(main), Layer.orDie(live)));
process.disconnect();
