/**
 * A process for tests: an engine in virtual time over shared journals and a shared provider, which can
 * die. A dead one is never told anything again, and nothing it still does has any effect.
 */
import { Context, Effect, Exit, Layer, Random, Scope } from "effect";
import type { JobDriver } from "../../machines/advance.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import { AssetStore } from "../../steps/asset-store.ts";
import type { ModelClient } from "../../steps/model-client.ts";
import { type Engine, makeEngine } from "../engine.ts";
import type { Identifiers } from "../identifiers.ts";
import type { JournalStore, StateRecord } from "../journal-store.ts";
import { type MemoryJournals, MemoryJournalStore } from "../journal-stores/memory.ts";
import type { ScriptedProvider } from "./scripted-provider.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What outlives every process of a test. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly journals: MemoryJournals;
  readonly assets: AssetStore["Service"];
  readonly provider: ScriptedProvider;
  readonly identifiers: Identifiers;
  readonly seed: number;
  /** The user's services. */
  readonly layer: Layer.Layer<never> | undefined;
  /** Sees every state record that is committed. */
  readonly onRecord: (record: StateRecord) => void;
}

/** Stands for one process wherever two of them have to be told apart. */
export interface ProcessId {
  isDead: boolean;
}

export interface ProcessOptions {
  readonly plans: (process: ProcessId) => ReadonlyArray<PipelinePlan>;
  readonly concurrency: number;
  readonly driverOf?: ((plan: PipelinePlan) => JobDriver) | undefined;
}

export interface TestProcess {
  readonly engine: Engine;
  /** Runs an Effect in the process's own time. */
  readonly run: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>;
  /** As SIGKILL would. `isCreated`: whether creates that were on their way arrived. */
  readonly kill: (isCreated: boolean) => void;
  /** Lets its jobs go where they stand. */
  readonly stop: () => Promise<void>;
}

/** Grace and polls that keep the number of looks in a long virtual wait small. */
const minuteMs = 60_000;
const settings = {
  gate: { createsPerMinute: 60_000, burst: 1_000 },
  // Longer than a lost answer is looked for: a cancel waits for what becomes of it.
  jobs: { closeGraceMs: 2 * minuteMs, passivateAfterMs: 10 * minuteMs },
  watcher: { orphanGraceMs: 12_000, pollMs: 1_000, maxPollMs: minuteMs },
  lookEveryMs: minuteMs,
  recoverEveryMs: 60 * minuteMs,
} as const;

/** Starts a process; it takes over what dead ones left. */
export const startProcess = async (
  surroundings: Surroundings,
  options: ProcessOptions,
): Promise<TestProcess> => {
  const process: ProcessId = { isDead: false };
  const { time, provider } = surroundings;
  const scope = Scope.makeUnsafe();
  const base = time.servicesOf(process);
  const context =
    surroundings.layer === undefined
      ? base
      : Context.merge(
          base,
          await Effect.runPromiseWith(base)(Layer.buildWithScope(surroundings.layer, scope)),
        );
  const run = Effect.runPromiseWith(context);
  const mortal = mortals(process);
  const assets = mortal(surroundings.assets);
  const engine = await run(
    makeEngine({
      ...settings,
      plans: options.plans(process),
      store: mortal<JournalStore["Service"]>(MemoryJournalStore.make(surroundings.journals)),
      assets,
      models: mortal<ModelClient>(provider.client(process)),
      prices: {},
      concurrency: options.concurrency,
      identifiers: surroundings.identifiers,
      observe: ({ record }) => {
        surroundings.onRecord(record);
      },
      ...(options.driverOf === undefined ? {} : { driverOf: options.driverOf }),
    }).pipe(
      Effect.provideService(AssetStore, assets),
      Effect.provideService(Scope.Scope, scope),
      Random.withSeed(surroundings.seed),
    ),
  );
  return {
    engine,
    run,
    kill: (isCreated) => {
      process.isDead = true;
      provider.dropSending(process, isCreated);
      time.kill(process);
      surroundings.journals.kill(engine.owner);
    },
    stop: () => run(Scope.close(scope, Exit.void)),
  };
};

/** A service whose Effects never return once the process is dead, and do nothing either. */
const mortals =
  (process: Readonly<ProcessId>) =>
  <S extends object>(service: S): S => {
    const guarded = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.suspend(() => (process.isDead ? Effect.never : effect)).pipe(
        Effect.onExit(() => (process.isDead ? Effect.never : Effect.void)),
      );
    const guard = (member: unknown): unknown => {
      if (Effect.isEffect(member)) return guarded(member);
      if (typeof member !== "function") return member;
      return (...args: ReadonlyArray<unknown>) => guard(Reflect.apply(member, service, args));
    };
    const members = Object.entries(service).map(([name, member]) => [name, guard(member)]);
    // Every member keeps its own type: an Effect stays one, a function returns what it returned.
    return Object.fromEntries(members) as S;
  };
