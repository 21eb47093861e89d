/** Model steps over a fake provider, a memory store and the test clock: what the ledger's tests are made of. */
import { Clock, type Duration, Effect, Latch, Schema } from "effect";
import { TestClock } from "effect/testing";
import { Asset, Parse, Pipeline, Retry, Step } from "../../../src/index.ts";
import type { AnyPipeline } from "../../../src/machines/pipeline.ts";
import type { Entry, EntryOf } from "../../../src/machines/entry.ts";
import type {
  JournalStore,
  PredictionRow,
  StateRecord,
} from "../../../src/runtime/journal-store.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import type { RuntimeOptions } from "../../../src/runtime/options.ts";
import type { AssetStore } from "../../../src/steps/asset-store.ts";
import { type ModelClient, SubmitUnknown } from "../../../src/steps/model-client.ts";
import { MemoryAssets } from "../../../src/steps/asset-stores/memory.ts";
import { type FakeProvider, usdPerSecond } from "./fake-provider.ts";
import { journalOf, type Process, startProcess, turns, within } from "./jobs-harness.ts";

const Text = Schema.Struct({ text: Schema.String });

type ModelStep = Parameters<typeof Step.model<"ask", string, typeof Text.Type>>[1];

/** A pipeline of one model step named `ask` that takes a prompt. */
export const asking = (options: Partial<ModelStep> = {}) => {
  const ask = Step.model("ask", {
    input: Schema.String,
    output: Text,
    model: "fake/text",
    request: (prompt) => ({ prompt }),
    retry: Retry.fixed({ attempts: 3, delayMs: 1_000 }),
    timeout: "60 seconds",
    ...options,
  });
  return Pipeline.make("asking", { version: 1, input: Schema.String })
    .step(ask)
    .output(Text, ({ last }) => last);
};

/** A pipeline of one model step whose output is a picture. */
export const painting = (
  retry = Retry.fixed({ attempts: 2, delayMs: 1_000 }),
  reuse?: Duration.Input,
) =>
  Pipeline.make(reuse === undefined ? "painting" : "repainting", {
    version: 1,
    input: Schema.String,
  })
    .step(
      Step.model("paint", {
        input: Schema.String,
        output: Asset.Image,
        model: "fake/image",
        request: (prompt) => ({ prompt }),
        parse: Parse.file,
        retry,
        ...(reuse === undefined ? {} : { reuse }),
      }),
    )
    .output(Asset.Image, ({ last }) => last);

type Store = JournalStore["Service"];

/** Everything that outlives a process. */
export interface World {
  readonly provider: FakeProvider;
  readonly journals: MemoryJournals;
  readonly assets: AssetStore["Service"];
}

/** The clock starts far from zero, as clocks do. */
export const makeWorld = (provider: FakeProvider): Effect.Effect<World> =>
  Effect.as(TestClock.setTime(1_700_000_000_000), {
    provider,
    journals: new MemoryJournals(),
    assets: MemoryAssets.make(),
  });

export const processIn = Effect.fnUntraced(function* (
  { provider, journals, assets }: World,
  pipelines: ReadonlyArray<AnyPipeline>,
  options: RuntimeOptions = {},
  wrap: (store: Store) => Store = (store) => store,
) {
  const life: Life = { isOver: false, over: Latch.makeUnsafe(false) };
  const process = yield* startProcess({
    wrap: (store) => mortalStore(wrap(store), life),
    pipelines,
    journals,
    assets,
    models: mortalClient(provider.client, life),
    prices: {
      "fake/text": { unit: "second", usdPerSecond },
      "fake/image": { unit: "second", usdPerSecond },
    },
    ...options,
  });
  /** SIGKILL: from now on it neither writes nor hears anything, whatever it was doing. */
  const kill = Effect.suspend(() => {
    life.isOver = true;
    life.over.openUnsafe();
    return process.die;
  });
  return { ...process, kill };
});

interface Life {
  isOver: boolean;
  readonly over: Latch.Latch;
}

const mortalStore = (store: Store, life: Life): Store => ({
  ...store,
  commit: (writes) =>
    Effect.suspend(() =>
      life.isOver
        ? Effect.succeed(writes.map(() => ({ type: "Conflict", over: "Job" }) as const))
        : store.commit(writes),
    ),
});

const mortalClient = (client: ModelClient, { over }: Life): ModelClient => ({
  ...client,
  submit: (request) =>
    Effect.raceFirst(
      client.submit(request),
      Effect.andThen(over.await, new SubmitUnknown({ detail: "the process died" })),
    ),
});

/** Lets the clock run on for so long (ms), in small steps, with everything that follows from it. */
export const pass = Effect.fnUntraced(function* (ms: number, stepMs = 250) {
  for (let passed = 0; passed < ms; passed += stepMs) {
    yield* TestClock.adjust(Math.min(stepMs, ms - passed));
    yield* turns;
  }
});

/** Runs the clock until the claim holds. */
export const passUntil = Effect.fnUntraced(function* (
  what: string,
  claim: () => boolean,
  limitMs = 1_200_000,
) {
  const start = yield* Clock.currentTimeMillis;
  yield* turns;
  while (!claim()) {
    if ((yield* Clock.currentTimeMillis) - start > limitMs)
      return yield* Effect.die(new Error(`it never came to this: ${what}`));
    yield* TestClock.adjust(250);
    yield* turns;
  }
  return (yield* Clock.currentTimeMillis) - start;
});

export const submit = <P extends AnyPipeline>(process: Process, pipeline: P, input: unknown) =>
  Effect.map(within(process.catena.submit(pipeline, input)), ({ jobId }) => jobId);

export const outcome = <P extends AnyPipeline>(process: Process, pipeline: P, jobId: string) =>
  within(process.catena.outcome(pipeline, jobId), { byMs: 250, limitMs: 3_600_000 });

export const entriesOf = <Type extends Entry["type"]>(
  { journals }: World,
  jobId: string,
  type: Type,
): ReadonlyArray<EntryOf<Type>> =>
  journalOf(journals, jobId).filter((entry): entry is EntryOf<Type> => entry.type === type);

export const rowsOf = ({ journals }: World): ReadonlyArray<PredictionRow> => [
  ...journals.predictions.values(),
];

export const recordOf = ({ journals }: World, jobId: string): StateRecord | undefined =>
  journals.files.get(jobId)?.job.record;

/** What all receipts of the ledger add up to, in millionths of a US dollar. */
export const bookedMicros = (world: World): number =>
  rowsOf(world).reduce((sum, { receipt }) => sum + (receipt?.costMicros ?? 0), 0);

/** The test's clock as a process with another idea of the date sees it; its sleeps take as long as ever. */
export const shifted = (clock: Clock.Clock, byMs: () => number): Clock.Clock => {
  const nanos = (): bigint => clock.currentTimeNanosUnsafe() + BigInt(byMs()) * 1_000_000n;
  const millis = (): number => clock.currentTimeMillisUnsafe() + byMs();
  const monotonic = (): bigint => clock.monotonicTimeNanosUnsafe();
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: monotonic,
    monotonicTimeNanos: Effect.sync(monotonic),
    sleep: (duration) => clock.sleep(duration),
  };
};
