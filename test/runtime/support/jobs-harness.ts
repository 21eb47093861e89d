/**
 * Processes over one memory store, for tests of the runtime on a test clock: started, stopped, killed or
 * left to run on although the others hold them for dead.
 */
import { Clock, Context, Effect, Exit, Fiber, Layer, Scope } from "effect";
import { TestClock } from "effect/testing";
import type { AnyPipeline, CatenaService } from "../../../src/index.ts";
import { CatenaService as Service, makeService } from "../../../src/runtime/catena-service.ts";
import type { Intake } from "../../../src/runtime/jobs/left-behind.ts";
import type { Entry, Fact } from "../../../src/machines/entry.ts";
import type { JournalStore } from "../../../src/runtime/journal-store.ts";
import {
  type MemoryJournals,
  MemoryJournalStore,
} from "../../../src/runtime/journal-stores/memory.ts";
import type { RuntimeOptions } from "../../../src/runtime/options.ts";

/** One process; `die` is SIGKILL, `stop` a graceful end, `declareDead` lets it run on as one that was frozen. */
export interface Process {
  readonly catena: CatenaService["Service"];
  readonly stop: Effect.Effect<void>;
  readonly die: Effect.Effect<void>;
  readonly declareDead: Effect.Effect<void>;
}

export interface ProcessOptions extends RuntimeOptions {
  readonly pipelines: ReadonlyArray<AnyPipeline>;
  readonly journals: MemoryJournals;
  readonly intake?: Intake;
  /** The store as this process sees it. */
  readonly wrap?: (store: JournalStore["Service"]) => JournalStore["Service"];
}

/** Starts a process that is stopped, at the latest, with the surrounding scope. */
export const startProcess = Effect.fnUntraced(function* ({
  journals,
  intake,
  wrap,
  ...options
}: ProcessOptions) {
  const scope = yield* Scope.fork(yield* Effect.scope);
  const memory = MemoryJournalStore.make(journals);
  const store = wrap === undefined ? memory : wrap(memory);
  const layer = Layer.orDie(Layer.effect(Service, makeService({ ...options, store }, intake)));
  const catena = Context.get(yield* Layer.buildWithScope(layer, scope), Service);
  const { owner } = catena.engine;
  const stop = Scope.close(scope, Exit.void);
  const declareDead = Effect.sync(() => {
    journals.kill(owner);
  });
  const process: Process = { catena, stop, declareDead, die: Effect.andThen(declareDead, stop) };
  return process;
});

/** The effect's exit while the clock runs on by `byMs` a look; dies after `limitMs` of clock time. */
const exitWithin = Effect.fnUntraced(function* <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  { byMs = 50, limitMs = 600_000 }: { readonly byMs?: number; readonly limitMs?: number } = {},
) {
  const fiber = yield* Effect.forkChild(effect, { startImmediately: true });
  const endsAt = (yield* Clock.currentTimeMillis) + limitMs;
  while (true) {
    yield* turns;
    const exit = fiber.pollUnsafe();
    if (exit !== undefined) return exit;
    if ((yield* Clock.currentTimeMillis) >= endsAt) {
      yield* Fiber.interrupt(fiber);
      return yield* Effect.die(new Error(`nothing came of it within ${limitMs} ms of the clock`));
    }
    yield* TestClock.adjust(byMs);
  }
});

/** What comes of the effect while the clock runs on. */
export const within = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  limits?: { readonly byMs?: number; readonly limitMs?: number },
): Effect.Effect<A, E, R> => Effect.flatten(exitWithin(effect, limits));

/** Lets everything run that can without the clock. */
export const turns: Effect.Effect<void> = Effect.promise(async () => {
  for (let turn = 0; turn < 8; turn += 1)
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
});

/** Waits, with the clock standing still, until the claim holds. */
export const until = Effect.fnUntraced(function* (what: string, claim: () => boolean) {
  for (let look = 0; look < 500; look += 1) {
    if (claim()) return;
    yield* turns;
  }
  return yield* Effect.die(new Error(`it never came to this: ${what}`));
});

/** Submits and answers the job's id. */
export const submitted = <P extends AnyPipeline>(process: Process, pipeline: P, input: unknown) =>
  Effect.map(process.catena.submit(pipeline, input), ({ jobId }) => jobId);

export const outcomeOf = <P extends AnyPipeline>(process: Process, pipeline: P, jobId: string) =>
  within(process.catena.outcome(pipeline, jobId));

export const ask = (process: Process, jobId: string, type: Asked) =>
  process.catena.tell(jobId, asked(type));

export type Asked = "CancelRequested" | "PauseRequested" | "ResumeRequested" | "RetryRequested";

export const asked = (type: Asked): Fact =>
  type === "RetryRequested" ? { type, by: "test", isFresh: false } : { type, by: "test" };

export const journalOf = (journals: MemoryJournals, jobId: string): ReadonlyArray<Entry> =>
  journals.files.get(jobId)?.entries ?? [];

export const typesOf = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> =>
  entries.map((entry) => ("path" in entry ? `${entry.type} ${entry.path}` : entry.type));

export const statusIn = (journals: MemoryJournals, jobId: string): string =>
  journals.files.get(jobId)?.job.record.status ?? "no such job";
