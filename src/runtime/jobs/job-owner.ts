/**
 * The owner of one job: a mailbox and a fiber around the pure driver. The order is always: advance, one
 * transaction, adopt the snapshot, start and stop services. A commit that conflicts means that somebody
 * else owns the job now: the new snapshot is thrown away and every service is let go.
 */
import { Cause, Clock, Effect, Exit, Fiber, Latch } from "effect";
import type { JobSnapshot, Service } from "../../machines/advance.ts";
import type { Entry } from "../../machines/entry.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import { defectOf } from "../services/defect.ts";
import type { Deployed, JobHost, ServiceJob } from "./job-host.ts";
import { type Mail, nothing, type Staged, stage } from "./job-sequencer.ts";
import type { AppendEntries, StateRecord } from "../journal-store.ts";
import { recordAfter, isAtRest, timersAfter } from "./state-record.ts";
import { KeptEntries } from "./kept-entries.ts";
import { ContextWaiters, makeServiceJob } from "./service-job.ts";

/** How an owner ended: nothing left to do, taken over by another, or unloaded while it waits. */
export type OwnerEnd = "rested" | "fenced" | "passivated";

/** A job as loaded or just created, before its services run. */
export interface LoadedJob {
  readonly jobId: string;
  readonly deployed: Deployed;
  readonly epoch: number;
  readonly seq: number;
  readonly snapshot: JobSnapshot;
  readonly record: StateRecord;
  readonly entries: ReadonlyArray<Entry>;
  /** Just created here: nobody can have left a message for it yet. */
  readonly isNew: boolean;
}

export interface JobOwner {
  /** Begins; once. Services that need no waiting run at once, up to their first commit. */
  readonly start: () => void;
  /** There may be messages in the inbox. */
  readonly nudge: () => void;
  /** Unloads the job if all it does is wait, until it is nudged or its timer is due. */
  readonly passivate: () => void;
  readonly snapshot: () => JobSnapshot;
  readonly record: () => StateRecord;
  readonly plan: PipelinePlan;
  /** A message came that the owner, having ended, will not read. */
  readonly hasUnread: () => boolean;
  /** Lets the job and its services go, as they are, without a word to anybody. */
  readonly leave: Effect.Effect<void>;
}

interface RunningService {
  readonly token: symbol;
  /** Absent while the service's first turn runs. */
  fiber?: Fiber.Fiber<void>;
}

export interface OwnerHooks {
  readonly onAdopt: (record: StateRecord) => void;
  /** Not called when the owner is made to leave. */
  readonly onEnd: (end: OwnerEnd) => void;
}

/** The owner of a job that is ours, not yet begun. */
export const makeOwner = (host: JobHost, loaded: LoadedJob, hooks: OwnerHooks): JobOwner =>
  new Owner(host, loaded, hooks);

class Owner implements JobOwner {
  readonly plan: PipelinePlan;
  readonly #host: JobHost;
  readonly #loaded: LoadedJob;
  readonly #hooks: OwnerHooks;
  readonly #kept: KeptEntries;
  readonly #services = new Map<string, RunningService>();
  readonly #waiters = new ContextWaiters();
  readonly #hasMail = Latch.makeUnsafe(false);
  #fiber: Fiber.Fiber<void> | undefined;
  #mail: Array<Mail> = [];
  #snapshot: JobSnapshot;
  #record: StateRecord;
  #seq: number;
  #inboxDue = true;
  #passivateDue = false;
  /** What the row says; a job that rests is let go by it, once nothing of it is open. */
  #isReleased = false;

  constructor(host: JobHost, loaded: LoadedJob, hooks: OwnerHooks) {
    this.plan = loaded.deployed.plan;
    this.#host = host;
    this.#loaded = loaded;
    this.#hooks = hooks;
    this.#snapshot = loaded.snapshot;
    this.#record = loaded.record;
    this.#seq = loaded.seq;
    this.#kept = new KeptEntries(loaded.entries);
    this.#inboxDue = !loaded.isNew;
    if (this.#inboxDue) this.#hasMail.openUnsafe();
  }

  readonly snapshot = () => this.#snapshot;
  readonly record = () => this.#record;
  readonly hasUnread = () => this.#inboxDue;

  readonly nudge = () => {
    this.#inboxDue = true;
    this.#hasMail.openUnsafe();
  };

  readonly passivate = () => {
    this.#passivateDue = true;
    this.#hasMail.openUnsafe();
  };

  readonly start = () => {
    this.#fiber = this.#host.fork(this.#run);
  };

  readonly leave: Effect.Effect<void> = Effect.suspend(() =>
    this.#fiber === undefined ? Effect.void : Fiber.interrupt(this.#fiber),
  );

  readonly #run: Effect.Effect<void> = Effect.suspend(() => {
    for (const service of this.#loaded.deployed.driver.services(this.#snapshot))
      this.#start(service);
    return this.#loop();
  }).pipe(
    Effect.onExit(() => this.#letGo()),
    Effect.map((end) => {
      this.#hooks.onEnd(end);
    }),
  );

  #loop(): Effect.Effect<OwnerEnd> {
    return Effect.gen({ self: this }, function* () {
      while (!this.#isDone()) {
        yield* this.#hasMail.await;
        // A quick result of an asynchronous function joins the batch of its start.
        if (this.#mail.every(({ isPatient }) => isPatient)) yield* Effect.yieldNow;
        if (this.#inboxDue) yield* this.#readInbox();
        const staged = stage(this.#take(), yield* this.#view());
        const isOurs = yield* this.#commit(staged);
        if (!isOurs) return "fenced";
        this.#adopt(staged);
        if (this.#mayPassivate()) return "passivated";
      }
      if (!this.#isReleased) yield* this.#commit({ ...nothing, snapshot: this.#snapshot });
      return "rested";
    });
  }

  #isDone(): boolean {
    return (
      isAtRest(this.#snapshot) &&
      this.#services.size === 0 &&
      this.#mail.length === 0 &&
      !this.#inboxDue
    );
  }

  #mayPassivate(): boolean {
    const isWanted = this.#passivateDue;
    this.#passivateDue = false;
    return isWanted && this.#mail.length === 0 && !this.#inboxDue;
  }

  /** Messages of others become mail; a store in trouble is waited for, nothing is lost by it. */
  #readInbox(): Effect.Effect<void> {
    this.#inboxDue = false;
    const { store, committer } = this.#host;
    return store.inbox(this.#loaded.jobId).pipe(
      Effect.tapError(() => Effect.andThen(committer.whenHealthy, Effect.sleep("100 millis"))),
      Effect.eventually,
      Effect.map((rows) => {
        for (const row of rows)
          this.#mail.push({
            facts: row.facts,
            consumes: row.id,
            from: null,
            reply: () => undefined,
          });
        // Claimed for the sake of a message: what is still pending after it has its turn now.
        if (this.#snapshot.matches("pending"))
          this.#mail.push({
            facts: [{ type: "JobStarted" }],
            consumes: null,
            from: null,
            reply: () => undefined,
          });
      }),
    );
  }

  #take(): ReadonlyArray<Mail> {
    const mail = this.#mail;
    this.#mail = [];
    // A nudge that came while the inbox was being read asks for another look.
    if (!this.#inboxDue) this.#hasMail.closeUnsafe();
    return mail;
  }

  #view() {
    return Effect.map(Clock.currentTimeMillis, (now) => ({
      now,
      jobId: this.#loaded.jobId,
      driver: this.#loaded.deployed.driver,
      snapshot: this.#snapshot,
      seq: this.#seq,
      isCurrent: (id: string, token: symbol) => this.#services.get(id)?.token === token,
    }));
  }

  /** False when the job has another owner. */
  #commit(staged: Staged): Effect.Effect<boolean> {
    const isReleased = isAtRest(staged.snapshot);
    const isNothing = staged.entries.length === 0 && staged.consumed.length === 0;
    if (isNothing && isReleased === this.#isReleased) return Effect.succeed(true);
    const { context } = staged.snapshot;
    const { owner } = this.#host;
    const { jobId, epoch } = this.#loaded;
    // The row of a job at rest may name nobody any more: who goes on with it is its owner again.
    const isResumed = isAtRest(this.#snapshot) && !isReleased;
    const record =
      staged.entries.length === 0
        ? this.#record
        : recordAfter(this.#record, staged.entries, staged.snapshot);
    const write: AppendEntries = {
      type: "AppendEntries",
      jobId,
      epoch,
      afterSeq: this.#seq,
      entries: staged.entries,
      record,
      ledger: staged.ledger,
      timers: timersAfter(this.#snapshot.context, context),
      consumed: staged.consumed,
      claim: isResumed ? { owner, epoch } : null,
      isReleased,
    };
    return Effect.map(this.#host.committer.commit(write), (result) => {
      if (result.type !== "Committed") return false;
      this.#record = record;
      this.#isReleased = isReleased;
      return true;
    });
  }

  #adopt(staged: Staged): void {
    this.#snapshot = staged.snapshot;
    this.#seq += staged.entries.length;
    for (const entry of staged.entries) this.#kept.add(entry);
    for (const id of staged.stop) this.#stop(id);
    for (const service of staged.start) this.#start(service);
    for (const { key } of staged.cancels) this.#host.providers.cancel(key);
    this.#mail.unshift(...staged.held);
    if (staged.held.length > 0 && !staged.snapshot.context.isPaused) this.#hasMail.openUnsafe();
    for (const reply of staged.replies) reply();
    this.#waiters.wake(this.#snapshot.context);
    if (staged.entries.length === 0) return;
    this.#host.observe({
      jobId: this.#loaded.jobId,
      pipeline: this.#record.pipeline,
      entries: staged.entries,
      snapshot: this.#snapshot,
      record: this.#record,
    });
    this.#hooks.onAdopt(this.#record);
  }

  #start(service: Service): void {
    const running: RunningService = { token: Symbol(service.id) };
    const job = this.#jobFor(service, running.token);
    const program = Effect.suspend(() => this.#host.program(service, job)).pipe(
      Effect.onExit((exit) => this.#onServiceExit(service, job, exit)),
    );
    // The entry must stand before the service runs: what it says in its first turn is heard by it.
    this.#services.set(service.id, running);
    running.fiber = this.#host.fork(program);
  }

  /** A service that dies has a bug, of ours or of a user's function outside every declared place. */
  #onServiceExit(service: Service, job: ServiceJob, exit: Exit.Exit<void>): Effect.Effect<void> {
    if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return Effect.void;
    if (service.source === "cancelling") return Effect.logError("cancelling failed", exit.cause);
    const attempt = job.context().steps[service.id]?.attempt ?? 0;
    const failure = defectOf(Cause.squash(exit.cause));
    return Effect.sync(() => {
      job.enqueue({ type: "StepFailed", path: service.id, attempt, kind: "defect", failure });
    });
  }

  #stop(id: string): void {
    const running = this.#services.get(id);
    this.#services.delete(id);
    running?.fiber?.interruptUnsafe();
  }

  #letGo(): Effect.Effect<void> {
    const fibers = [...this.#services.values()].flatMap(({ fiber }) => fiber ?? []);
    this.#services.clear();
    return Fiber.interruptAll(fibers);
  }

  #jobFor(service: Service, token: symbol): ServiceJob {
    const { jobId, deployed } = this.#loaded;
    return makeServiceJob({
      jobId,
      deployed,
      host: this.#host,
      kept: this.#kept,
      waiters: this.#waiters,
      context: () => this.#snapshot.context,
      post: (facts, reply) => {
        const mail = { facts, consumes: null, from: { id: service.id, token } };
        this.#mail.push(
          reply === undefined
            ? { ...mail, reply: () => undefined, isPatient: true }
            : { ...mail, reply },
        );
        this.#hasMail.openUnsafe();
      },
    });
  }
}
