/**
 * All jobs of one process: which are in memory, which wait for a slot, which woke up, and which were
 * left behind by an owner that died.
 */
import { Clock, Effect, Exit, Fiber, Latch, Option } from "effect";
import type { Scope } from "effect";
import type { Fact } from "../../machines/entry.ts";
import {
  type Claim,
  claimJob,
  loadJob,
  newJob,
  type Submission,
  type Submitted,
  submittedOf,
} from "./claim.ts";
import type { Identifiers } from "../identifiers.ts";
import type { Deployed, JobHost } from "./job-host.ts";
import { type JobOwner, type LoadedJob, makeOwner } from "./job-owner.ts";
import { assetsOfNew } from "../job-assets.ts";
import { storeValue } from "../job-values.ts";
import type { StateRecord, StoredJob, StoreFailure } from "../journal-store.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import { claimsOn, deployedOf } from "./left-behind.ts";
import { keepWatch, type LookAround } from "./look-around.ts";
import { mayLeaveMemory } from "./passivation.ts";
import { PendingQueue } from "./pending-queue.ts";
import { CatenaStopped } from "../outcome.ts";
import { isRest, restIn, RestWaiters } from "./rest-waiters.ts";
import { UnreadableJournals } from "./unreadable-journals.ts";

export interface JobsOptions {
  /** By `name@version`. */
  readonly deployed: ReadonlyMap<string, Deployed>;
  /** How many jobs run at once in this process; the others wait as rows. */
  readonly concurrency: number;
  readonly identifiers: Identifiers;
  /** How often (ms) to look for messages and jobs that other processes left. */
  readonly lookEveryMs: number;
  /** How often (ms) to look for owners that died. */
  readonly recoverEveryMs: number;
}

export interface Jobs {
  /** Fails with: StoreFailure, AssetStoreFailure. */
  submit(submission: Submission): Effect.Effect<Submitted, StoreFailure | AssetStoreFailure>;
  /** Tells the job something, through its inbox. Fails with: StoreFailure. */
  post(jobId: string, fact: Fact): Effect.Effect<void, StoreFailure>;
  /** There may be messages for this job. */
  readonly nudge: (jobId: string) => void;
  /** The record once the job rests: failed, complete or cancelled. */
  rested(jobId: string): Effect.Effect<StateRecord, StoreFailure>;
  /** Takes over what dead owners left behind; answers how many jobs. Fails with: StoreFailure. */
  readonly recover: Effect.Effect<number, StoreFailure>;
  /** Jobs in memory and slots in use. */
  readonly counts: () => { readonly resident: number; readonly running: number };
}

/** Starts looking after jobs; they are let go, as they are, when the scope closes. */
export const makeJobs = Effect.fnUntraced(function* (
  host: JobHost,
  options: JobsOptions,
): Effect.fn.Return<Jobs, never, Scope.Scope> {
  const jobs = new ResidentJobs(host, options);
  yield* Effect.addFinalizer(() => jobs.leave);
  yield* keepWatch(jobs.surroundings);
  yield* Effect.forkScoped(jobs.recoverRegularly);
  return jobs;
});

class ResidentJobs implements Jobs {
  readonly #host: JobHost;
  readonly #options: JobsOptions;
  readonly #resident = new Map<string, JobOwner>();
  /** True where another nudge came meanwhile. */
  readonly #waking = new Map<string, boolean>();
  readonly #rest = new RestWaiters();
  readonly #queue: PendingQueue;
  readonly #unreadable = new UnreadableJournals();
  readonly #timersChanged = Latch.makeUnsafe(false);
  #running = 0;
  /** What dead owners left goes first, and takes slots as well. */
  #hasRecovered = false;
  /** Slots of jobs whose creation is being committed. */
  #reserved = 0;
  #isLeaving = false;
  readonly #left = Latch.makeUnsafe(false);
  /** What runs beside the owners, such as a job on its way into memory. */
  readonly #background = new Set<Fiber.Fiber<void>>();

  constructor(host: JobHost, options: JobsOptions) {
    this.#host = host;
    this.#options = options;
    this.#queue = new PendingQueue({
      store: host.store,
      deployed: options.deployed,
      freeSlots: () => this.#freeSlots(),
      unreadable: this.#unreadable,
      claimAll: (claims) => this.#claimAll(claims),
      background: (effect) => {
        this.#inBackground(this.#insist(effect));
      },
    });
  }

  /** What the lookouts for messages and timers need. */
  get surroundings(): LookAround {
    return {
      store: this.#host.store,
      owner: this.#host.owner,
      ...this.#options,
      rest: this.#rest,
      nudge: this.nudge,
      noteRow: this.#queue.noteRow,
      isResident: (jobId) => this.#resident.has(jobId),
      timersChanged: this.#timersChanged,
    };
  }

  readonly counts = () => ({ resident: this.#resident.size, running: this.#running });

  // --- new jobs

  submit(submission: Submission): Effect.Effect<Submitted, StoreFailure | AssetStoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const { deployed, input, idempotencyKey, tenant = null, ...keys } = submission;
      const { owner, committer } = this.#host;
      const jobId = yield* this.#options.identifiers.jobId;
      const value = yield* storeValue(assetsOfNew(this.#host, jobId), input);
      const submitted = submittedOf(deployed, value);
      // Who waits already goes first.
      const starts = this.#freeSlots() > 0 && !this.#queue.mayHaveRows();
      const rest: ReadonlyArray<Fact> = starts
        ? [{ type: "Claimed", owner, epoch: 1, isTakeover: false }, { type: "JobStarted" }]
        : [];
      const { entries, snapshot, record } = newJob(deployed, jobId, {
        submitted,
        rest,
        now: yield* Clock.currentTimeMillis,
      });
      const [epoch, seq] = [starts ? 1 : 0, entries.length];
      const held = { seq, epoch, owner: starts ? owner : null };
      const job: StoredJob = { record, idempotencyKey, tenant, ...held };
      if (starts) this.#reserved += 1;
      const result = yield* Effect.ensuring(
        Effect.tapError(
          // A caller that went away has made the job all the same.
          committer.tryCommit({ type: "CreateJob", job, entries, ...keys }, () => {
            this.nudge(jobId);
          }),
          () => this.#lookLater(jobId),
        ),
        Effect.sync(() => {
          if (starts) this.#reserved -= 1;
        }),
      );
      if (result.type === "Duplicate") return { jobId: result.jobId, isNew: false };
      if (result.type === "Conflict")
        return yield* Effect.die(new Error(`the job id ${jobId} is taken`));
      this.#host.observe({ jobId, pipeline: record.pipeline, entries, snapshot, record });
      if (starts)
        this.#settleIn({ jobId, deployed, epoch, seq, snapshot, record, entries, isNew: true });
      else this.#queue.noteRow();
      return { jobId, isNew: true };
    });
  }

  /** A refused submit may have been applied all the same: its job must not lie there with nobody to run it. */
  #lookLater(jobId: string): Effect.Effect<void> {
    return Effect.sync(() => {
      const { whenHealthy } = this.#host.committer;
      this.#inBackground(Effect.map(whenHealthy, () => this.nudge(jobId)));
    });
  }

  #freeSlots(): number {
    if (!this.#hasRecovered) return 0;
    return this.#options.concurrency - this.#running - this.#reserved;
  }

  // --- messages

  post(jobId: string, fact: Fact): Effect.Effect<void, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const id = yield* this.#options.identifiers.key;
      const row = { id, jobId, at: yield* Clock.currentTimeMillis, facts: [fact] };
      const nudge = () => {
        this.nudge(jobId);
      };
      yield* this.#host.committer.tryCommit({ type: "PostInbox", row }, nudge);
      nudge();
    });
  }

  readonly nudge = (jobId: string): void => {
    const resident = this.#resident.get(jobId);
    if (resident !== undefined) {
      resident.nudge();
      return;
    }
    const isWaking = this.#waking.has(jobId);
    this.#waking.set(jobId, isWaking);
    if (isWaking) return;
    const woken = Effect.ensuring(
      this.#insist(this.#wake(jobId)),
      Effect.sync(() => {
        const isNudged = this.#waking.get(jobId);
        this.#waking.delete(jobId);
        if (isNudged === true) this.nudge(jobId);
      }),
    );
    this.#inBackground(woken);
  };

  #inBackground(effect: Effect.Effect<void>): void {
    if (this.#isLeaving) return;
    const fiber = this.#host.fork(effect);
    this.#background.add(fiber);
    fiber.addObserver(() => this.#background.delete(fiber));
  }

  /** Brings a job into memory to read its messages: our own, or one that nobody owns. */
  #wake(jobId: string): Effect.Effect<void, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const found = yield* this.#host.store.job(jobId);
      if (Option.isNone(found)) return;
      const stored = found.value;
      const deployed = deployedOf(this.#options.deployed, stored);
      // Of an erased job there is nothing left to go on with.
      if (deployed === undefined || stored.record.erasedAt !== null) return;
      if (stored.owner === this.#host.owner) {
        const load = Effect.map(loadJob(this.#host.store, stored, deployed), (loaded) => {
          this.#settleIn(loaded);
        });
        return yield* this.#unreadable.passOver(stored, load);
      }
      if (stored.owner !== null) return;
      // A pending job waits for its turn, unless there is a word for it.
      if (stored.record.status === "pending" && !(yield* this.#hasMessages(jobId)))
        return this.#queue.noteRow();
      yield* this.#claim({ stored, deployed, isTakeover: false, starts: false });
    });
  }

  #hasMessages(jobId: string): Effect.Effect<boolean, StoreFailure> {
    return Effect.map(this.#host.store.inbox(jobId), (rows) => rows.length > 0);
  }

  // --- in memory

  #claimAll(claims: ReadonlyArray<Claim>): Effect.Effect<void, StoreFailure> {
    // One that fails must not interrupt the others: half a claim is a job that is ours and that nobody runs.
    const all = Effect.forEach(claims, (claim) => Effect.exit(this.#claim(claim)), {
      concurrency: "unbounded",
    });
    return Effect.flatMap(all, (exits) => Exit.asVoidAll(exits));
  }

  #claim(claim: Claim): Effect.Effect<void, StoreFailure> {
    const claimed = Effect.gen({ self: this }, function* () {
      // Asked for before the claim: after it nothing may fail any more, or the job is ours in vain.
      const predictions = yield* this.#host.store.predictions(claim.stored.record.jobId);
      const loaded = yield* claimJob(this.#host, claim);
      if (loaded === undefined) return;
      this.#host.providers.follow(predictions);
      this.#settleIn(loaded);
    });
    return this.#unreadable.passOver(claim.stored, claimed);
  }

  /** Gives the job its owner in this process, and looks after what becomes of it. */
  #settleIn(loaded: LoadedJob): void {
    const { jobId } = loaded;
    if (this.#isLeaving || this.#resident.has(jobId)) return;
    const owner = makeOwner(this.#host, loaded, {
      onAdopt: (record) => {
        if (isRest(record)) this.#rest.tell(jobId, record);
      },
      onEnd: (end) => {
        this.#resident.delete(jobId);
        this.#onEnd(owner, end);
      },
    });
    this.#resident.set(jobId, owner);
    this.#running += 1;
    owner.start();
  }

  readonly leave: Effect.Effect<void> = Effect.suspend(() => {
    this.#isLeaving = true;
    this.#left.openUnsafe();
    this.#rest.tellAll();
    const owners = [...this.#resident.values()].map(({ leave }) => leave);
    return Effect.all([Fiber.interruptAll(this.#background), ...owners], {
      concurrency: "unbounded",
      discard: true,
    });
  });

  #onEnd(owner: JobOwner, end: "rested" | "fenced" | "passivated"): void {
    this.#running -= 1;
    this.#queue.drain();
    if (end === "passivated") this.#timersChanged.openUnsafe();
    if (end === "fenced") this.#rest.tell(owner.record().jobId, null);
    // A message that came while the job was leaving would be heard by nobody.
    if (owner.hasUnread()) this.nudge(owner.record().jobId);
  }

  rested(jobId: string): Effect.Effect<StateRecord, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      while (!this.#isLeaving) {
        const told = yield* this.#rest.wait(jobId, () => this.#resident.get(jobId)?.record());
        if (this.#isLeaving) break;
        if (told !== null && told.status !== "failed") return told;
        const rest = yield* restIn(this.#host.store, jobId);
        if (rest !== null) return rest;
        // A job of another process, or asleep as a row: its row says when it rests.
        yield* Effect.raceFirst(Effect.sleep(this.#options.lookEveryMs), this.#left.await);
      }
      return yield* Effect.die(new CatenaStopped());
    });
  }

  // --- what others left

  readonly recover: Effect.Effect<number, StoreFailure> = Effect.gen({ self: this }, function* () {
    const { store, owner } = this.#host;
    const left = yield* Effect.forEach(yield* store.deadOwners(owner), (dead) =>
      claimsOn(dead, store, this.#options.deployed),
    );
    const claims = left.flat();
    yield* this.#claimAll(claims);
    this.#hasRecovered = true;
    this.#queue.noteRow();
    return claims.length;
  });

  readonly recoverRegularly = Effect.gen({ self: this }, function* () {
    while (true) {
      yield* Effect.sleep(this.#options.recoverEveryMs);
      yield* this.#insist(Effect.asVoid(this.recover));
      this.#unloadSleepers(yield* Clock.currentTimeMillis);
    }
  });

  #unloadSleepers(now: number): void {
    const { passivateAfterMs } = this.#host.settings;
    for (const owner of this.#resident.values()) {
      if (mayLeaveMemory(owner, { now, passivateAfterMs })) owner.passivate();
    }
  }

  /** A store in trouble is waited for: what was to be done is still to be done. */
  #insist(effect: Effect.Effect<void, StoreFailure>): Effect.Effect<void> {
    const again = Effect.andThen(this.#host.committer.whenHealthy, Effect.sleep("100 millis"));
    return effect.pipe(
      Effect.tapError(() => again),
      Effect.eventually,
      Effect.catchCause((cause) => Effect.logError("a job could not be loaded", cause)),
    );
  }
}
