/** The composition root of one process: stores, providers, jobs, put together once. */
import { createHash } from "node:crypto";
import { Clock, Effect, Latch, Scheduler, type Scope } from "effect";
import { type JobDriver, makeDriver } from "../machines/advance.ts";
import type { PipelinePlan } from "../machines/plan.ts";
import type { AssetStore, AssetStoreFailure } from "../steps/asset-store.ts";
import { type Deltas, makeDeltas } from "./deltas.ts";
import { type Alerts, makeAlerts } from "./alerts.ts";
import type { AlertSettings } from "./alerts/alert-settings.ts";
import { type DeadLetters, makeDeadLetters } from "./dead-letters.ts";
import { makeGroupCommit, type StoreTrouble } from "./group-commit.ts";
import type { Identifiers } from "./identifiers.ts";
import type { Deployed, JobHost, JobSettings, Observation } from "./jobs/job-host.ts";
import { jobProgram } from "./services/job-program.ts";
import { JobChanges } from "./jobs/job-changes.ts";
import { type Jobs, makeJobs } from "./jobs/jobs.ts";
import type { Intake } from "./jobs/left-behind.ts";
import type { JournalStore, StoreFailure } from "./journal-store.ts";
import { searchedForMs } from "./predictions/late-double.ts";
import { makePredictionHints, type PredictionHints } from "./predictions/prediction-hints.ts";
import type { PriceTable } from "./predictions/price-table.ts";
import { upperEstimate } from "./predictions/upper-estimate.ts";
import { type BudgetUse, budgetUse, budgetUseOf } from "./spending/budget-use.ts";
import type { WatcherSettings } from "./predictions/watcher-host.ts";
import type { LimitsByProvider } from "./predictions/limit-options.ts";
import type { GateSettings } from "./predictions/provider-gate.ts";
import { makeRetention, type Retention } from "./retention.ts";
import type { RetentionHost } from "./retention/retention-host.ts";
import { keepAll, type RetentionPolicy } from "./retention/policy.ts";
import { makeNotifications, type Notifications } from "./notifications.ts";
import type { Subscription } from "./notifications/subscriptions.ts";
import type { SignalHost } from "./signals.ts";
import { watchAssets } from "./watched-assets.ts";
import { makeProviders, type Models, type Providers } from "./predictions/providers.ts";

export interface EngineOptions {
  readonly plans: ReadonlyArray<PipelinePlan>;
  readonly store: JournalStore["Service"];
  readonly assets: AssetStore["Service"];
  readonly models: Models | undefined;
  readonly prices: PriceTable;
  readonly gate: GateSettings;
  /** Default: none beside the gate's. */
  readonly limits?: LimitsByProvider;
  readonly jobs: JobSettings;
  readonly watcher: WatcherSettings;
  readonly concurrency: number;
  readonly lookEveryMs: number;
  readonly recoverEveryMs: number;
  readonly identifiers: Identifiers;
  /** Default: everything is kept for ever. */
  readonly retention?: RetentionPolicy;
  /** Who is told what. Default: nobody. */
  readonly subscriptions?: ReadonlyArray<Subscription>;
  /** Where the HTTP API serves assets: a URL or a path. Default: at its root. */
  readonly assetBase?: string;
  /** Which jobs this process runs, to begin with. Default: `any`. */
  readonly intake?: Intake;
  /** Null, the default: none is watched. Only a process that takes any jobs watches. */
  readonly alerts?: AlertSettings | null;
  readonly observe: (observation: Observation) => void;
  /** Default: the driver of the machine compiled from the plan; tests plant bugs here. */
  readonly driverOf?: (plan: PipelinePlan) => JobDriver;
}

export interface Engine {
  readonly owner: string;
  readonly jobs: Jobs;
  readonly providers: Providers;
  /** Reports of providers. */
  readonly hints: PredictionHints;
  readonly store: JournalStore["Service"];
  readonly assets: AssetStore["Service"];
  readonly deployed: ReadonlyMap<string, Deployed>;
  readonly retention: Retention;
  readonly letters: DeadLetters;
  readonly alerts: Alerts;
  readonly notifications: Notifications;
  readonly signals: SignalHost;
  /** A tenant has uploaded a file. Fails with: StoreFailure. */
  readonly recordUpload: (sha256: string, tenant: string) => Effect.Effect<void, StoreFailure>;
  /** Tells of every commit of a job that runs here. */
  readonly changes: JobChanges;
  /** What models write while they write it. */
  readonly deltas: Deltas;
  /** How far today's budgets are used, by whatever process of the store. */
  readonly budgets: Effect.Effect<ReadonlyArray<BudgetUse>, StoreFailure>;
  /** The same of one tenant, also where it has used nothing. */
  readonly budgetOf: (tenant: string) => Effect.Effect<BudgetUse, StoreFailure>;
  /** How many unfinished jobs of dead owners were taken over at the start. */
  readonly recovered: number;
  /** What is wrong with the store; null while it takes writes. */
  readonly trouble: () => StoreTrouble | null;
  /** Why a write of the asset store has just failed; null while it takes writes. */
  readonly assetTrouble: () => AssetStoreFailure | null;
  /** A stop that is under way waits no longer, neither for answers nor for steps that do not let go. */
  readonly hurry: () => void;
}

/** How long (ms) a stop waits for the answers of creates that are on their way. */
export const drainMs = 5_000;

/** Starts everything; user services come from the surrounding context. Fails with: StoreFailure. */
export const makeEngine = Effect.fnUntraced(function* (
  options: EngineOptions,
): Effect.fn.Return<Engine, StoreFailure, Scope.Scope> {
  const { store, prices, identifiers } = options;
  const { assets, trouble: assetTrouble } = yield* watchAssets(options.assets);
  const context = yield* Effect.context<never>();
  const clock = yield* Clock.Clock;
  const turns = (yield* Scheduler.Scheduler).makeDispatcher();
  const owner = yield* store.register;
  const committer = yield* makeGroupCommit(store);
  const changes = new JobChanges();
  // The watchers speak to jobs that do not exist yet.
  const late: { jobs?: Jobs } = {};
  const watcherHost = {
    owner,
    store,
    committer,
    assets,
    prices,
    settings: options.watcher,
    nudge: (jobId: string) => late.jobs?.nudge(jobId),
  };
  const providers = yield* makeProviders(options.models, watcherHost, {
    rate: options.gate,
    limits: options.limits ?? {},
  });
  const { concurrency, lookEveryMs, recoverEveryMs, intake = "any" } = options;
  const takesOthers = intake === "any";
  const deployed = deploy(options.plans, options.driverOf ?? makeDriver);
  const hurried = Latch.makeUnsafe(false);
  yield* Effect.addFinalizer(() => {
    const drained = Effect.asVoid(Effect.timeoutOption(providers.drained, drainMs));
    return Effect.ignore(Effect.raceFirst(drained, hurried.await));
  });
  const { subscriptions = [], assetBase = "" } = options;
  const told = { owner, store, committer, assets, subscriptions, assetBase, recoverEveryMs };
  const patience = Effect.raceFirst(Effect.sleep(drainMs), hurried.await);
  const notifications = yield* makeNotifications({ ...told, patience });
  const budgets = budgetUse(store, options.jobs.budgets);
  const alertHost = {
    owner,
    store,
    providers,
    plans: options.plans,
    isDeployed: (key: string) => deployed.has(key),
    maxPollMs: options.watcher.maxPollMs,
    notifications,
    hearing: hearsOfAlerts(subscriptions),
    budgets,
  };
  const alerts = yield* makeAlerts(alertHost, takesOthers ? (options.alerts ?? null) : null);
  const host: JobHost = {
    owner,
    store,
    committer,
    assets,
    providers,
    settings: options.jobs,
    newKey: identifiers.key,
    estimate: (call) => upperEstimate(prices, call),
    fork: Effect.runForkWith(context),
    program: jobProgram,
    soon: (run) => {
      turns.scheduleTask(run, 0);
    },
    now: () => clock.currentTimeMillisUnsafe(),
    observe: (observation) => {
      changes.note(observation.jobId);
      alerts.note(observation);
      options.observe(observation);
    },
    ...(notifications.ofJobs === undefined ? {} : { outbox: notifications.ofJobs }),
  };
  const jobs = yield* makeJobs(host, {
    deployed,
    concurrency,
    identifiers,
    lookEveryMs,
    recoverEveryMs,
    intake,
    hurried: hurried.await,
  });
  late.jobs = jobs;
  const recovered = yield* jobs.recover;
  // What belongs to jobs that rest without an owner: whoever watched it may have died.
  if (takesOthers) {
    providers.follow(yield* store.openPredictions(owner));
    const searched = searchedForMs(options.watcher.orphanGraceMs);
    providers.follow(yield* store.absentPredictions((yield* Clock.currentTimeMillis) - searched));
  }
  const hintHost = { owner, store, committer, providers, lookEveryMs, takesOthers };
  const hints = yield* makePredictionHints(hintHost);
  const policy = options.retention ?? keepAll;
  const letters = makeDeadLetters({
    store,
    commit: (write) => committer.tryCommit(write, () => undefined),
    nudge: jobs.nudge,
    redeliver: (id) => notifications.redeliver(id),
    unfit: ({ record }) =>
      deployed.has(keyOf({ name: record.pipeline, version: record.version }))
        ? null
        : `its pipeline ${record.pipeline}@${record.version} is not deployed in this process`,
  });
  const commit: RetentionHost["commit"] = (write) => committer.tryCommit(write, () => undefined);
  const retention = yield* makeRetention({ store, assets, commit, policy });
  const nudge = jobs.nudge;
  const signals: SignalHost = {
    store,
    assets,
    commit: (write, jobId) => committer.tryCommit(write, () => nudge(jobId)),
    nudge,
  };
  const recordUpload: Engine["recordUpload"] = Effect.fnUntraced(function* (sha256, tenant) {
    const at = yield* Clock.currentTimeMillis;
    yield* committer.tryCommit({ type: "RecordUpload", sha256, tenant, at }, () => undefined);
  });
  const { trouble } = committer;
  const deltas = yield* makeDeltas({ store, providers, changes });
  const stores = { store, assets, retention };
  const watched = { providers, hints, letters, notifications, alerts };
  const parts = { ...stores, ...watched, jobs, deployed, signals, recordUpload, changes, deltas };
  const hurry = () => void hurried.openUnsafe();
  const budgetOf = (tenant: string) => budgetUseOf(store, options.jobs.budgets, tenant);
  return { owner, ...parts, budgets, budgetOf, recovered, trouble, assetTrouble, hurry };
});

/** Who is told when an alert is raised and when it is cleared. */
const hearsOfAlerts = (subscriptions: ReadonlyArray<Subscription>): ReadonlySet<string> =>
  new Set(
    subscriptions
      .filter(({ events }) => events.has("alert.raised") && events.has("alert.cleared"))
      .map(({ name }) => name),
  );

const deploy = (
  plans: ReadonlyArray<PipelinePlan>,
  driverOf: (plan: PipelinePlan) => JobDriver,
): ReadonlyMap<string, Deployed> =>
  new Map(
    plans.map((plan) => [
      keyOf(plan),
      { plan, driver: driverOf(plan), fingerprint: fingerprintOf(plan) },
    ]),
  );

export const keyOf = ({ name, version }: Pick<PipelinePlan, "name" | "version">): string =>
  `${name}@${version}`;

/** What of a pipeline its journals depend on: the steps in order, and what kind each is. */
export const fingerprintOf = (plan: PipelinePlan): string => {
  const shape = plan.nodes.map(({ path, step }) => [path, step.program.kind]);
  return createHash("sha256").update(JSON.stringify(shape)).digest("hex").slice(0, 16);
};
