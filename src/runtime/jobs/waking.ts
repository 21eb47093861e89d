/**
 * Bringing jobs that are only rows into memory, when there is a word for them or their timer is due. What goes on
 * by a word alone (RETRY, resume) takes a place as a new job does: where none is free its words are read without
 * anything of it running, and it queues.
 */
import { Effect, Option } from "effect";
import type { BackgroundWork } from "./background-work.ts";
import { type Claim, loadJob } from "./claim.ts";
import type { Deployed, JobHost } from "./job-host.ts";
import type { LoadedJob } from "./job-owner.ts";
import type { InboxRow, StoredJob, StoreFailure } from "../journal-store.ts";
import { deployedOf, type Intake } from "./left-behind.ts";
import type { PendingQueue } from "./pending-queue.ts";
import { isRest, type RestWaiters } from "./rest-waiters.ts";
import type { UnreadableJournals } from "./unreadable-journals.ts";
import { readAsRow, standsStill } from "./words-to-rows.ts";

interface Surroundings {
  readonly host: JobHost;
  /** By `name@version`. */
  readonly deployed: ReadonlyMap<string, Deployed>;
  readonly intake: () => Intake;
  readonly beside: BackgroundWork;
  readonly rest: RestWaiters;
  readonly queue: Pick<PendingQueue, "noteRow">;
  readonly unreadable: UnreadableJournals;
  /** Whether a job that comes now finds a place, and nobody waits for it. */
  readonly mayStart: () => boolean;
  /** Does it with a place kept free. */
  readonly withPlace: (
    effect: Effect.Effect<void, StoreFailure>,
  ) => Effect.Effect<void, StoreFailure>;
  readonly claim: (claim: Claim) => Effect.Effect<void, StoreFailure>;
  readonly settleIn: (loaded: LoadedJob) => void;
}

export class Waking {
  readonly #around: Surroundings;
  /** True where another nudge came meanwhile. */
  readonly #waking = new Map<string, boolean>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** There is something for this job, which is not in memory. */
  readonly wake = (jobId: string, nudge: (jobId: string) => void): void => {
    const { beside } = this.#around;
    const isWaking = this.#waking.has(jobId);
    this.#waking.set(jobId, isWaking);
    if (isWaking) return;
    const woken = Effect.ensuring(
      beside.insist(this.#wake(jobId)),
      Effect.sync(() => {
        const isNudged = this.#waking.get(jobId);
        this.#waking.delete(jobId);
        if (isNudged === true) nudge(jobId);
      }),
    );
    beside.start(woken);
  };

  #wake(jobId: string): Effect.Effect<void, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const { host, deployed: byKey, unreadable } = this.#around;
      const found = yield* host.store.job(jobId);
      if (Option.isNone(found)) return;
      const stored = found.value;
      const deployed = deployedOf(byKey, stored);
      // Of an erased job there is nothing left to go on with.
      if (deployed === undefined || stored.record.erasedAt !== null) return;
      const awake = Effect.flatMap(this.#isReadAsRow(stored, deployed), (isRead) =>
        isRead ? Effect.void : this.#bring(stored, deployed),
      );
      yield* unreadable.passOver(stored, awake);
    });
  }

  /** True where what lies there for the job is read, and it needs nothing in memory for it. */
  #isReadAsRow(stored: StoredJob, deployed: Deployed): Effect.Effect<boolean, StoreFailure> {
    const { host, intake, mayStart, queue, rest } = this.#around;
    const { owner, record } = stored;
    const isOurs = owner === null || owner === host.owner;
    if (!isOurs || intake() !== "any" || !standsStill(record)) return Effect.succeed(false);
    if (mayStart() && record.detail !== "queued") return Effect.succeed(false);
    return Effect.map(readAsRow(host, { stored, deployed }), (after) => {
      if (after === "needs an owner") return false;
      if (after !== "has another" && isRest(after)) rest.tell(record.jobId, after);
      queue.noteRow();
      return true;
    });
  }

  #bring(stored: StoredJob, deployed: Deployed): Effect.Effect<void, StoreFailure> {
    const { host, settleIn, withPlace } = this.#around;
    const isOurs = stored.owner === host.owner;
    const brought = isOurs
      ? Effect.map(loadJob(host.store, stored, deployed), settleIn)
      : this.#takeUp(stored, deployed);
    return standsStill(stored.record) ? withPlace(brought) : brought;
  }

  #takeUp(stored: StoredJob, deployed: Deployed): Effect.Effect<void, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const { host, intake, queue, claim } = this.#around;
      if (stored.owner !== null || intake() === "none") return;
      const { jobId, status } = stored.record;
      // A pending job waits for its turn, unless there is a word for it.
      if (status === "pending" && !(yield* host.store.inbox(jobId)).some(isForPending))
        return queue.noteRow();
      yield* claim({ stored, deployed, isTakeover: false, starts: false });
    });
  }
}

/** A signal is read when the job has its turn: sent early, it is no reason to go before others. */
const isForPending = ({ facts }: InboxRow): boolean =>
  facts.some(({ type }) => type !== "SignalReceived");
