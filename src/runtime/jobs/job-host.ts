/** What every job of one process shares, and what a service sees of its own job. */
import type { Effect, Fiber } from "effect";
import type { JobDriver, JobSnapshot, Service } from "../../machines/advance.ts";
import type { JobContext } from "../../machines/context.ts";
import type { Entry, EntryOf, Fact, FactOf } from "../../machines/entry.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import type { AssetStore } from "../../steps/asset-store.ts";
import type { GroupCommit } from "../group-commit.ts";
import type { Budgets, OverBudget } from "../journal-spending.ts";
import type { JournalStore, StateRecord } from "../journal-store.ts";
import type { JobOutbox } from "./job-notifications.ts";
import type { Providers } from "../predictions/providers.ts";
import type { PlannedCall, UpperEstimate } from "../predictions/upper-estimate.ts";

/** A pipeline as this process runs it. */
export interface Deployed {
  readonly plan: PipelinePlan;
  readonly driver: JobDriver;
  readonly fingerprint: string;
}

/** One committed batch of a job, as an inspector sees it. */
export interface Observation {
  readonly jobId: string;
  readonly pipeline: string;
  readonly entries: ReadonlyArray<Entry>;
  readonly snapshot: JobSnapshot;
  readonly record: StateRecord;
}

export interface JobSettings {
  /** How long (ms) a cancelled or timed out prediction may take to be confirmed as ended. */
  readonly closeGraceMs: number;
  /** What an intent has to fit in; absent: in nothing. */
  readonly budgets?: Budgets;
  /** A job that waits longer than this (ms) for a timer or a provider leaves memory. */
  readonly passivateAfterMs: number;
}

export interface JobHost {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  readonly committer: GroupCommit;
  readonly assets: AssetStore["Service"];
  readonly providers: Providers;
  readonly settings: JobSettings;
  /** A fresh, unguessable key for an intent. */
  readonly newKey: Effect.Effect<string>;
  /** What a call may cost at the most. */
  readonly estimate: (call: PlannedCall) => UpperEstimate;
  /** Starts a fiber with the services of this process, whoever asks for it. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>;
  /**
   * Runs a service of a job; the Effect never fails, what goes wrong becomes an entry. Null where all that it had
   * to say was said at once.
   */
  readonly program: (service: Service, job: ServiceJob) => Effect.Effect<void> | null;
  /** Runs it soon, once whoever runs now has had their turn. */
  readonly soon: (run: () => void) => void;
  /** The time in ms. */
  readonly now: () => number;
  readonly observe: (observation: Observation) => void;
  /** Absent where nothing is told to anybody. */
  readonly outbox?: JobOutbox;
}

/** A job as its services see it. Every call of a service that was stopped is interrupted, never answered. */
export interface ServiceJob {
  readonly jobId: string;
  readonly deployed: Deployed;
  readonly host: JobHost;
  /** The committed context. */
  readonly context: () => JobContext;
  /** Appends the facts and returns once they are durable and adopted. Those that start new work wait while the job is paused. */
  append(...facts: ReadonlyArray<Fact>): Effect.Effect<void>;
  /** As `append`, unless the claim does not hold any more once the facts have their turn: then nothing is said. */
  appendWhile(
    claim: (context: JobContext) => boolean,
    ...facts: ReadonlyArray<Fact>
  ): Effect.Effect<void>;
  /** As `append`, for an intent; nothing is written while the job is paused. Fails with: OverBudget where it fits in no budget; nothing is written then. */
  intend(fact: FactOf<"PredictionIntended">): Effect.Effect<void, OverBudget>;
  /** As `append` without waiting: the facts share the next commit. */
  enqueue(...facts: ReadonlyArray<Fact>): void;
  /** As `append` for a service that ends with it: nobody waits, a refusal is the service's defect. */
  conclude(...facts: ReadonlyArray<Fact>): void;
  /** Returns once the committed context satisfies the claim. */
  until(claim: (context: JobContext) => boolean): Effect.Effect<void>;
  /** The entry at `seq`, which must be of one of these types. */
  entry<Type extends Entry["type"]>(
    seq: number,
    ...types: ReadonlyArray<Type>
  ): Effect.Effect<EntryOf<Type>>;
}
