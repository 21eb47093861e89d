/**
 * All jobs of one process: which are in memory, which wait for a slot, which woke up, and which were
 * left behind by an owner that died.
 */
import { Clock, Effect, Exit, Latch, Option } from "effect";
import type { Scope } from "effect";
import type { Fact, Value } from "../../machines/entry.ts";
import { thenAtOnce } from "../services/at-once.ts";
import { BackgroundWork } from "./background-work.ts";
import { type Claim, claimJob, submittedJob } from "./claim.ts";
import type { Submission, Submitted } from "./claim.ts";
import type { Identifiers } from "../identifiers.ts";
import type { Deployed, JobHost } from "./job-host.ts";
import { type JobOwner, type LoadedJob, makeOwner, type OwnerEnd } from "./job-owner.ts";
import { assetsOfNew } from "../job-assets.ts";
import { storeValue } from "../job-values.ts";
import type { StateRecord, StoreFailure } from "../journal-store.ts";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import { claimsOnDead, claimsOnJob, type Intake } from "./left-behind.ts";
import { JobUnavailable } from "../outcome.ts";
import { keepWatch, type LookAround } from "./look-around.ts";
import { unloadSleepers } from "./passivation.ts";
import { PendingQueue } from "./pending-queue.ts";
import { ResidentJobs } from "./resident-jobs.ts";
import { isRest, RestWaiters, untilRest } from "./rest-waiters.ts";
import { UnreadableJournals } from "./unreadable-journals.ts";
import { Waking } from "./waking.ts";

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
  /** Which jobs this process runs, to begin with. Default: `any`. */
  readonly intake?: Intake;
  /** Returns once nobody waits any longer for steps that take their time to let go. */
  readonly hurried: Effect.Effect<void>;
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
  /** Runs this job here unless its owner lives; its pipeline must be deployed here. Fails with: StoreFailure, JobUnavailable. */
  takeUp(jobId: string): Effect.Effect<void, StoreFailure | JobUnavailable>;
  /** Changes which jobs this process runs from now on; those it has, it keeps. */
  readonly setIntake: (intake: Intake) => void;
  /** Jobs in memory and slots in use. */
  readonly counts: () => { readonly resident: number; readonly running: number };
}

/** Starts looking after jobs; they are let go, as they are, when the scope closes. */
export const makeJobs = Effect.fnUntraced(function* (
  host: JobHost,
  options: JobsOptions,
): Effect.fn.Return<Jobs, never, Scope.Scope> {
  const jobs = new JobsHere(host, options);
  yield* Effect.addFinalizer(() => Effect.raceFirst(jobs.leave, options.hurried));
  yield* keepWatch(jobs.surroundings);
  yield* Effect.forkScoped(jobs.recoverRegularly);
  return jobs;
});

class JobsHere implements Jobs {
  readonly #host: JobHost;
  readonly #options: JobsOptions;
  readonly #resident = new ResidentJobs();
  readonly #rest = new RestWaiters();
  readonly #queue: PendingQueue;
  readonly #sleepers: Waking;
  readonly #unreadable = new UnreadableJournals();
  readonly #timersChanged = Latch.makeUnsafe(false);
  #intake: Intake;
  /** What dead owners left goes first, and takes slots as well. */
  #hasRecovered = false;
  /** Slots of jobs whose creation is being committed. */
  #reserved = 0;
  #isLeaving = false;
  readonly #beside: BackgroundWork;

  constructor(host: JobHost, options: JobsOptions) {
    this.#host = host;
    this.#options = options;
    this.#intake = options.intake ?? "any";
    this.#beside = new BackgroundWork(host);
    this.#queue = new PendingQueue({
      store: host.store,
      deployed: options.deployed,
      freeSlots: () => (this.#intake === "any" ? this.#freeSlots() : 0),
      unreadable: this.#unreadable,
      claimAll: (claims) => this.#claimAll(claims),
      background: (effect) => {
        this.#beside.start(this.#beside.insist(effect));
      },
    });
    this.#sleepers = new Waking({
      host,
      deployed: options.deployed,
      intake: () => this.#intake,
      beside: this.#beside,
      rest: this.#rest,
      queue: this.#queue,
      unreadable: this.#unreadable,
      mayStart: () => this.#mayStart(),
      withPlace: (effect) => this.#withPlace(effect),
      claim: (claim) => this.#claim(claim),
      settleIn: (loaded) => {
        this.#settleIn(loaded);
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
      takesOthers: () => this.#intake === "any",
      noteRow: this.#queue.noteRow,
      isResident: (jobId) => this.#resident.has(jobId),
      timersChanged: this.#timersChanged,
    };
  }

  readonly counts = () => ({ resident: this.#resident.size, running: this.#resident.inPlace });

  // --- new jobs

  submit(submission: Submission): Effect.Effect<Submitted, StoreFailure | AssetStoreFailure> {
    return Effect.flatMap(this.#options.identifiers.jobId, (jobId) => {
      const input = storeValue(assetsOfNew(this.#host, jobId), submission.input);
      return thenAtOnce(input, (value) => this.#create(submission, jobId, value));
    });
  }

  #create(
    submission: Submission,
    jobId: string,
    value: Value,
  ): Effect.Effect<Submitted, StoreFailure> {
    const { deployed, input: _, idempotencyKey, tenant = null, ...keys } = submission;
    const { owner, committer, now } = this.#host;
    const starts = this.#mayStart();
    const asked = { jobId, input: value, idempotencyKey, tenant, now: now() };
    const created = submittedJob(deployed, { ...asked, owner: starts ? owner : null });
    const { job, entries, snapshot } = created;
    const { record, epoch, seq } = job;
    if (starts) this.#reserved += 1;
    // A caller that went away has made the job all the same.
    const nudge = () => {
      this.nudge(jobId);
    };
    const committed = Effect.onExit(
      committer.tryCommit({ type: "CreateJob", job, entries, ...keys }, nudge),
      (exit) => {
        if (starts) this.#reserved -= 1;
        if (Exit.hasFails(exit)) this.#lookLater(jobId);
        return Effect.void;
      },
    );
    return Effect.flatMap(committed, (result): Effect.Effect<Submitted> => {
      if (result.type === "Duplicate") return Effect.succeed({ jobId: result.jobId, isNew: false });
      if (result.type === "Conflict") return Effect.die(new Error(`the job id ${jobId} is taken`));
      this.#host.observe({ jobId, pipeline: record.pipeline, entries, snapshot, record });
      if (starts)
        this.#settleIn({ jobId, deployed, epoch, seq, snapshot, record, entries, isNew: true });
      else this.#queue.noteRow();
      return Effect.succeed({ jobId, isNew: true, job });
    });
  }

  /** A refused submit may have been applied all the same: its job must not lie there with nobody to run it. */
  #lookLater(jobId: string): void {
    const { whenHealthy } = this.#host.committer;
    this.#beside.start(Effect.map(whenHealthy, () => this.nudge(jobId)));
  }

  #freeSlots(): number {
    if (!this.#hasRecovered) return 0;
    return this.#options.concurrency - this.#resident.inPlace - this.#reserved;
  }

  /** Whether a new job starts at once. Who waits already goes first, where this process runs the queue. */
  #mayStart(): boolean {
    if (this.#intake === "none" || this.#freeSlots() <= 0) return false;
    return this.#intake === "own" || !this.#queue.mayHaveRows();
  }

  /** Who comes meanwhile shall not take the place for free. */
  #withPlace(effect: Effect.Effect<void, StoreFailure>): Effect.Effect<void, StoreFailure> {
    return Effect.suspend(() => {
      this.#reserved += 1;
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          this.#reserved -= 1;
          this.#queue.drain();
        }),
      );
    });
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
    this.#sleepers.wake(jobId, this.nudge);
  };

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
      const loaded = yield* claimJob(this.#host, claim, predictions);
      if (loaded === undefined) return;
      this.#host.providers.follow(predictions, claim.isTakeover ? claim.stored.owner : null);
      this.#settleIn(loaded);
    });
    return this.#unreadable.passOver(claim.stored, claimed);
  }

  /** Gives the job its owner in this process, and looks after what becomes of it. */
  #settleIn(loaded: LoadedJob): void {
    const { jobId } = loaded;
    if (this.#isLeaving || !this.#resident.wants(loaded)) return;
    const owner = makeOwner(this.#host, loaded, {
      onAdopt: (record) => {
        if (isRest(record)) this.#rest.tell(jobId, record);
        if (this.#resident.note(record, owner.snapshot())) this.#queue.drain();
      },
      onEnd: (end) => {
        this.#resident.remove(jobId, owner, end);
        this.#onEnd(owner, end);
      },
    });
    const before = this.#resident.add(loaded, owner);
    if (before !== undefined) this.#host.fork(before.leave);
    owner.start();
  }

  readonly leave: Effect.Effect<void> = Effect.suspend(() => {
    this.#isLeaving = true;
    this.#rest.tellAll();
    const owners = [...this.#resident.owners].map(({ leave }) => leave);
    return Effect.all([this.#beside.leave, ...owners], {
      concurrency: "unbounded",
      discard: true,
    });
  });

  #onEnd(owner: JobOwner, end: OwnerEnd): void {
    this.#queue.drain();
    if (end === "passivated") this.#timersChanged.openUnsafe();
    if (end === "fenced") this.#rest.tell(owner.record().jobId, null);
    // A message that came while the job was leaving would be heard by nobody.
    if (owner.hasUnread()) this.nudge(owner.record().jobId);
  }

  rested(jobId: string): Effect.Effect<StateRecord, StoreFailure> {
    return untilRest(jobId, {
      store: this.#host.store,
      rest: this.#rest,
      resident: () => this.#resident.get(jobId)?.record(),
      isLeaving: () => this.#isLeaving,
      lookEveryMs: this.#options.lookEveryMs,
    });
  }

  // --- what others left

  readonly recover: Effect.Effect<number, StoreFailure> = Effect.gen({ self: this }, function* () {
    const { store, owner } = this.#host;
    const { deployed } = this.#options;
    const claims = this.#intake === "any" ? yield* claimsOnDead(owner, store, deployed) : [];
    yield* this.#claimAll(claims);
    this.#hasRecovered = true;
    this.#queue.noteRow();
    return claims.length;
  });

  readonly recoverRegularly = Effect.gen({ self: this }, function* () {
    const { passivateAfterMs } = this.#host.settings;
    while (true) {
      yield* Effect.sleep(this.#options.recoverEveryMs);
      yield* this.#beside.insist(Effect.asVoid(this.recover));
      const now = yield* Clock.currentTimeMillis;
      unloadSleepers(this.#resident.owners, { now, passivateAfterMs });
    }
  });

  readonly setIntake = (intake: Intake): void => {
    this.#intake = intake;
    if (intake === "any") this.#beside.start(this.#beside.insist(this.#catchUp));
  };

  /** What came while this process took nothing of others. */
  readonly #catchUp = Effect.gen({ self: this }, function* () {
    yield* this.recover;
    for (const jobId of yield* this.#host.store.jobsWithInbox(null)) this.nudge(jobId);
  });

  takeUp(jobId: string): Effect.Effect<void, StoreFailure | JobUnavailable> {
    return Effect.gen({ self: this }, function* () {
      const { store, owner } = this.#host;
      const found = Option.getOrNull(yield* store.job(jobId));
      if (found === null || found.owner === owner) return;
      yield* this.#claimAll(yield* claimsOnJob({ owner, found }, store, this.#options.deployed));
      if (this.#unreadable.has(jobId))
        yield* Effect.fail(
          new JobUnavailable(jobId, "its journal fits no pipeline of this process"),
        );
    });
  }
}
