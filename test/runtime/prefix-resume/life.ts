/** The life of one job: straight through, or with a death of its process in between. */
import { Effect } from "effect";
import type { AnyPipeline } from "../../../src/index.ts";
import type { Entry } from "../../../src/machines/entry.ts";
import { type EngineOptions, keyOf } from "../../../src/runtime/engine.ts";
import type { Identifiers } from "../../../src/runtime/identifiers.ts";
import type { StateRecord } from "../../../src/runtime/journal-store.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { listPrices } from "../../../src/runtime/predictions/price-table.ts";
import { defaultGateSettings } from "../../../src/runtime/predictions/provider-gate.ts";
import { MemoryAssets } from "../../../src/steps/asset-stores/memory.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";
import { type Death, startProcess } from "./mortal-process.ts";

export interface Life {
  readonly record: StateRecord;
  readonly entries: ReadonlyArray<Entry>;
  /** Commits of the first process. */
  readonly commits: number;
}

export interface Circumstances {
  readonly pipeline: AnyPipeline;
  readonly input: string;
  readonly client: ModelClient;
  readonly orphanGraceMs: number;
}

/** Fails with: nothing; a job that does not come to rest lets the test run out of time. */
export const liveThrough = Effect.fnUntraced(function* (
  around: Circumstances,
  death: Death | null,
): Effect.fn.Return<Life> {
  const journals = new MemoryJournals();
  const { client } = around;
  const options = optionsFor(around);
  const first = yield* Effect.orDie(startProcess({ journals, client, options, death }));
  const deployed = first.engine.deployed.get(keyOf(around.pipeline.plan));
  if (deployed === undefined) return yield* Effect.die("the pipeline is not deployed");
  const submission = { deployed, input: around.input, idempotencyKey: null };
  const straight = first.engine.jobs
    .submit(submission)
    .pipe(Effect.flatMap(({ jobId }) => first.engine.jobs.rested(jobId)));
  if (death === null) {
    const record = yield* Effect.orDie(straight);
    return yield* report(journals, record, first);
  }
  yield* Effect.raceFirst(first.died, Effect.orDie(Effect.andThen(straight, Effect.never)));
  const second = yield* Effect.orDie(startProcess({ journals, client, options, death: null }));
  const [jobId = "no job"] = journals.files.keys();
  const record = yield* Effect.orDie(second.engine.jobs.rested(jobId));
  yield* second.bury;
  return yield* report(journals, record, first);
});

const report = (
  journals: MemoryJournals,
  record: StateRecord,
  first: { readonly commits: () => number; readonly bury: Effect.Effect<void> },
): Effect.Effect<Life> =>
  Effect.as(first.bury, {
    record,
    entries: journals.files.get(record.jobId)?.entries ?? [],
    commits: first.commits(),
  });

/** An engine's options for this pipeline alone, under clocks and ids of a test. */
export const optionsFor = ({
  pipeline,
  orphanGraceMs,
}: Pick<Circumstances, "pipeline" | "orphanGraceMs">) => {
  const assets = MemoryAssets.make();
  return {
    plans: [pipeline.plan],
    assets,
    prices: listPrices,
    gate: defaultGateSettings,
    jobs: { closeGraceMs: 30_000, passivateAfterMs: 600_000 },
    watcher: { orphanGraceMs, pollMs: 1_000, maxPollMs: 2_000 },
    concurrency: 10,
    lookEveryMs: 1_000,
    recoverEveryMs: 5_000,
    identifiers: countedIdentifiers(),
    observe: () => undefined,
  } satisfies Omit<EngineOptions, "store" | "models">;
};

const countedIdentifiers = (): Identifiers => {
  const counted = (name: string) => {
    let count = 0;
    return Effect.sync(() => {
      count += 1;
      return `${name}-${count}`;
    });
  };
  return { jobId: counted("job"), key: counted("intent") };
};
