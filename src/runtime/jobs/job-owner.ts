/**
 * The owner of one job: a mailbox around the pure driver, without a fiber of its own. The order is always: advance, one
 * transaction, adopt the snapshot, start and stop services. A commit that conflicts means that somebody
 * else owns the job now: the new snapshot is thrown away and every service is let go.
 */
import { Cause, Effect } from "effect";
import type { JobSnapshot } from "../../machines/advance.ts";
import type { Entry } from "../../machines/entry.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import { mailWith, unreadMail } from "./inbox-mail.ts";
import type { Deployed, JobHost } from "./job-host.ts";
import type { Announcement } from "./job-notifications.ts";
import { type Mail, nothing, type Staged, stage, withoutIntent } from "./job-sequencer.ts";
import { JobServices } from "./job-services.ts";
import type { OverBudget } from "../journal-spending.ts";
import type { AppendEntries, StateRecord, StoreFailure, WriteResult } from "../journal-store.ts";
import { CatenaStopped } from "../outcome.ts";
import { recordAfter, isAtRest, timersAfter } from "./state-record.ts";
import { KeptEntries } from "./kept-entries.ts";

/** How an owner ended: nothing left to do, taken over by another, unloaded while it waits, or by a bug. */
export type OwnerEnd = "rested" | "fenced" | "passivated" | "lost";

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
  /** Of its claim: a later one is another owner's. */
  readonly epoch: number;
  readonly hasEnded: () => boolean;
  /** A message came that the owner, having ended, will not read. */
  readonly hasUnread: () => boolean;
  /** Lets the job and its services go, as they are, without a word to anybody. */
  readonly leave: Effect.Effect<void>;
}

export interface OwnerHooks {
  readonly onAdopt: (record: StateRecord) => void;
  /** Not called when the owner is made to leave. */
  readonly onEnd: (end: OwnerEnd) => void;
}

/** The owner of a job that is ours, not yet begun. */
export const makeOwner = (host: JobHost, loaded: LoadedJob, hooks: OwnerHooks): JobOwner =>
  new Owner(host, loaded, hooks);

/** What the owner is at: it waits for mail, is about to look, reads or commits, or is no owner any more. */
type Phase = "waiting" | "due" | "busy" | "ended";

class Owner implements JobOwner {
  readonly plan: PipelinePlan;
  readonly epoch: number;
  readonly #host: JobHost;
  readonly #loaded: LoadedJob;
  readonly #hooks: OwnerHooks;
  readonly #kept: KeptEntries;
  readonly #services: JobServices;
  #phase: Phase = "waiting";
  /** There is something to look at. */
  #isDue = false;
  /** Takes back what is under way. */
  #takeBack: () => void = () => undefined;
  readonly #announcement: Announcement | undefined;
  #mail: Array<Mail> = [];
  #snapshot: JobSnapshot;
  #record: StateRecord;
  #seq: number;
  #inboxDue = true;
  #passivateDue = false;
  /** What the row says; a job that rests is let go by it, once nothing of it is open. */
  #isReleased = false;

  constructor(host: JobHost, loaded: LoadedJob, hooks: OwnerHooks) {
    const { jobId, deployed } = loaded;
    this.plan = deployed.plan;
    this.epoch = loaded.epoch;
    this.#host = host;
    this.#loaded = loaded;
    this.#hooks = hooks;
    this.#snapshot = loaded.snapshot;
    this.#record = loaded.record;
    this.#seq = loaded.seq;
    this.#kept = new KeptEntries(loaded.entries);
    this.#announcement = host.outbox?.announcementOf(this.plan.name);
    this.#inboxDue = !loaded.isNew;
    this.#services = new JobServices({
      jobId,
      deployed,
      host,
      kept: this.#kept,
      context: () => this.#snapshot.context,
      post: (mail) => {
        this.#mail.push(mail);
        this.#wake();
      },
    });
  }

  readonly snapshot = () => this.#snapshot;
  readonly record = () => this.#record;
  readonly hasEnded = () => this.#phase === "ended";
  readonly hasUnread = () => this.#inboxDue;

  readonly nudge = () => {
    this.#inboxDue = true;
    this.#wake();
  };

  readonly passivate = () => {
    this.#passivateDue = true;
    this.#wake();
  };

  readonly start = () => {
    this.#phase = "busy";
    this.#guarded(() => {
      for (const service of this.#loaded.deployed.driver.services(this.#snapshot))
        this.#services.start(service);
      if (this.#inboxDue) this.#isDue = true;
      this.#goOn();
    });
  };

  readonly leave: Effect.Effect<void> = Effect.suspend(() => {
    this.#phase = "ended";
    this.#takeBack();
    return this.#services.letGo;
  });

  // --- turns

  /** A turn begins once whoever has something to say has said all of it. */
  #wake(): void {
    this.#isDue = true;
    if (this.#phase !== "waiting") return;
    this.#phase = "due";
    this.#host.soon(() => {
      if (this.#phase === "due") this.#guarded(() => this.#turn());
    });
  }

  #turn(): void {
    this.#phase = "busy";
    // A quick result of an asynchronous function joins the batch of its start.
    const mayBeJoined = this.#mail.length > 0 && this.#mail.every(({ isPatient }) => isPatient);
    if (mayBeJoined) this.#await(Effect.yieldNow, () => this.#look());
    else this.#look();
  }

  #look(): void {
    if (this.#inboxDue) this.#await(this.#readInbox(), () => this.#write());
    else this.#write();
  }

  #write(mail = this.#take()): void {
    const staged = stage(mail, this.#view());
    this.#commit(staged, (end) => {
      if (end === "fenced") return this.#end("fenced");
      // What is over a budget goes back to who asked for it, and the rest is as if that had never come.
      if (typeof end === "object") return this.#write(withoutIntent(mail, end));
      // Told to leave while it was going on: nobody would wake it for what it has just begun.
      if (staged.entries.length > 0) this.#passivateDue = false;
      this.#adopt(staged);
      if (this.#mayPassivate(staged)) return this.#end("passivated");
      this.#goOn();
    });
  }

  #goOn(): void {
    // What was started or told in this turn, a step or an inspector, may have stopped the process.
    if (this.#phase === "ended") return;
    if (this.#isDone()) this.#release();
    else if (this.#isDue) this.#turn();
    else this.#phase = "waiting";
  }

  #release(): void {
    if (this.#isReleased) return this.#end("rested");
    this.#commit({ ...nothing, snapshot: this.#snapshot }, () => this.#end("rested"));
  }

  #end(end: OwnerEnd): void {
    this.#phase = "ended";
    if (this.#services.size === 0) this.#hooks.onEnd(end);
    else this.#host.fork(Effect.map(this.#services.letGo, () => this.#hooks.onEnd(end)));
  }

  /** Whatever throws here is a bug: the job is let go and goes on where another owner finds it. */
  #guarded(turn: () => void): void {
    if (this.#phase === "ended") return;
    try {
      turn();
    } catch (defect) {
      this.#die(Cause.die(defect));
    }
  }

  #die(cause: Cause.Cause<unknown>): void {
    this.#phase = "ended";
    const isStop = Cause.squash(cause) instanceof CatenaStopped;
    const end = Effect.sync(() => {
      this.#hooks.onEnd("lost");
    });
    const said = Effect.andThen(Effect.logError("a job lost its owner", cause), end);
    this.#host.fork(Effect.andThen(this.#services.letGo, isStop ? Effect.void : said));
  }

  /** Goes on with what the effect answers. */
  #await<A>(effect: Effect.Effect<A, unknown>, next: (value: A) => void): void {
    const fiber = this.#host.fork(
      Effect.matchCause(effect, {
        onSuccess: (value) => this.#guarded(() => next(value)),
        onFailure: (cause) => {
          if (!Cause.hasInterruptsOnly(cause)) this.#die(cause);
        },
      }),
    );
    this.#takeBack = () => {
      fiber.interruptUnsafe();
    };
  }

  #isDone(): boolean {
    return (
      isAtRest(this.#snapshot) &&
      this.#services.size === 0 &&
      this.#mail.length === 0 &&
      !this.#inboxDue
    );
  }

  #mayPassivate({ held }: Staged): boolean {
    const isWanted = this.#passivateDue && this.#phase !== "ended";
    this.#passivateDue = false;
    // What a pause holds back has not begun where somebody waits for the answer, and is asked for again on waking.
    const isIdle = held.length === this.#mail.length && held.every(({ isPatient }) => !isPatient);
    return isWanted && isIdle && !this.#inboxDue;
  }

  /** Messages of others become mail. */
  #readInbox(): Effect.Effect<void, StoreFailure> {
    this.#inboxDue = false;
    return Effect.map(unreadMail(this.#host, this.#loaded.jobId), (unread) => {
      this.#mail.push(...unread);
      // Claimed for the sake of a message: what is still pending after it has its turn now.
      if (this.#snapshot.matches("pending")) this.#mail.push(mailWith([{ type: "JobStarted" }]));
    });
  }

  #take(): ReadonlyArray<Mail> {
    const mail = this.#mail;
    this.#mail = [];
    // A nudge that came while the inbox was being read asks for another look.
    this.#isDue = this.#inboxDue;
    return mail;
  }

  #view() {
    return {
      now: this.#host.now(),
      jobId: this.#loaded.jobId,
      driver: this.#loaded.deployed.driver,
      snapshot: this.#snapshot,
      seq: this.#seq,
      isCurrent: this.#services.isCurrent,
      announcement: this.#announcement,
    };
  }

  /** Answers `fenced` when the job has another owner. */
  #commit(staged: Staged, next: (end: "committed" | "fenced" | OverBudget) => void): void {
    const isReleased = isAtRest(staged.snapshot);
    const { entries, consumed, snapshot } = staged;
    const isNothing = entries.length === 0 && consumed.length === 0;
    if (isNothing && isReleased === this.#isReleased) return next("committed");
    const record =
      entries.length === 0 ? this.#record : recordAfter(this.#record, entries, snapshot);
    const onResult = (result: WriteResult): void => {
      if (result.type !== "Committed")
        return next(result.type === "OverBudget" ? result : "fenced");
      this.#record = record;
      this.#isReleased = isReleased;
      if (staged.outbox.length > 0) this.#host.outbox?.wake();
      next("committed");
    };
    this.#takeBack = this.#host.committer.post(this.#writeOf(staged, record), (answer) => {
      this.#guarded(() => {
        if (Effect.isEffect(answer)) this.#await(answer, onResult);
        else onResult(answer);
      });
    });
  }

  #writeOf(staged: Staged, record: StateRecord): AppendEntries {
    const { owner, settings } = this.#host;
    const { jobId } = this.#loaded;
    const { epoch } = this;
    const isReleased = isAtRest(staged.snapshot);
    // The row of a job at rest may name nobody any more: who goes on with it is its owner again.
    const isResumed = isAtRest(this.#snapshot) && !isReleased;
    return {
      type: "AppendEntries",
      jobId,
      epoch,
      afterSeq: this.#seq,
      entries: staged.entries,
      record,
      ledger: staged.ledger,
      ...(settings.budgets === undefined ? {} : { budgets: settings.budgets }),
      timers: timersAfter(this.#snapshot.context, staged.snapshot.context),
      consumed: staged.consumed,
      claim: isResumed ? { owner, epoch } : null,
      isReleased,
      outbox: staged.outbox,
    };
  }

  #adopt(staged: Staged): void {
    this.#snapshot = staged.snapshot;
    this.#seq += staged.entries.length;
    for (const entry of staged.entries) {
      this.#kept.add(entry);
      // Nobody knows how long that takes: the slot and the memory are for others meanwhile.
      if (entry.type === "SignalAwaited")
        this.#passivateDue ||= this.#snapshot.context.steps[entry.path]?.phase === "awaiting";
    }
    for (const id of staged.stop) this.#services.stop(id);
    for (const service of staged.start) this.#services.start(service);
    for (const { key } of staged.cancels) this.#host.providers.cancel(key);
    this.#mail.unshift(...staged.held);
    if (staged.held.length > 0 && !staged.snapshot.context.isPaused) this.#isDue = true;
    for (const reply of staged.replies) reply();
    this.#services.wake();
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
}
