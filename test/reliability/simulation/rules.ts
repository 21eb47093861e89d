/** What must hold at every instant, watched where the processes touch the world. */
import type { JobDriver } from "../../../src/machines/advance.ts";
import type { Entry, Fact } from "../../../src/machines/entry.ts";
import type { AppendEntries, Write, WriteResult } from "../../../src/runtime/journal-store.ts";
import type { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { dayOf, everybody } from "../../../src/runtime/journal-stores/spending-rules.ts";
import { DeathRules } from "./death-rules.ts";
import type { Mortal } from "./mortal.ts";
import type { Timeline } from "./timeline.ts";

/** Shorter than in life, to the same proportions. */
export const orphanGraceMs = 20_000;

export interface RuleBook {
  readonly journals: MemoryJournals;
  readonly timeline: Timeline;
  /** By `name@version`. */
  readonly drivers: ReadonlyMap<string, JobDriver>;
}

export interface StepRun {
  /** `<job>/<path>`. */
  readonly key: string;
  readonly attempt: number;
  readonly isRepeatable: boolean;
}

/** Collects what was broken; a run ends at its first report. */
export class Rules {
  readonly reports: Array<string> = [];
  /** Acknowledged submissions. */
  readonly submitted = new Set<string>();
  readonly #book: RuleBook;
  readonly #intendedAt = new Map<string, number>();
  readonly #sent = new Set<string>();
  readonly #ran = new Set<string>();
  /** Process and job, once the process has been told that the job is another's. */
  readonly #fenced = new Set<string>();

  readonly #deaths: DeathRules;

  constructor(book: RuleBook) {
    this.#deaths = new DeathRules(book);
    this.#book = book;
  }

  broken(report: string): void {
    this.reports.push(report);
  }

  /** Looks before a commit, and answers how to look after it. */
  commit(
    process: Mortal,
    writes: ReadonlyArray<Write>,
  ): (results: ReadonlyArray<WriteResult>) => void {
    const checks = writes.map((write) =>
      write.type === "AppendEntries" ? this.#append(process, write) : () => undefined,
    );
    return (results) => {
      for (const [index, result] of results.entries()) {
        const write = writes[index];
        if (result.type === "Committed") {
          checks[index]?.();
          // Who was fenced may take the job over again from one that died after it.
          if (write?.type === "AppendEntries" && write.claim !== null)
            this.#fenced.delete(`${process.name} ${write.jobId}`);
        } else if (write?.type === "AppendEntries" && write.claim === null)
          this.#toldOff(process, write.jobId);
      }
    };
  }

  /** It may have the job again by now, and what it had to say as the owner before is in vain all the same. */
  #toldOff(process: Mortal, jobId: string): void {
    if (this.#book.journals.files.get(jobId)?.job.owner !== process.owner)
      this.#fenced.add(`${process.name} ${jobId}`);
  }

  /** The process is killed. */
  died(process: Mortal): void {
    this.#deaths.died(process);
  }

  /** Work for the job is going on in that process; it is over once the answer is called. */
  atWork(process: Mortal, jobId: string): () => void {
    return this.#deaths.atWork(process, jobId);
  }

  /** Only the owner appends, and every message consumed becomes its entries or has no use any more. */
  #append(process: Mortal, write: AppendEntries): () => void {
    const file = this.#book.journals.files.get(write.jobId);
    const owner = file?.job.owner ?? null;
    const epoch = file?.job.epoch ?? 0;
    const messages = write.consumed.flatMap((id) => file?.inbox.get(id)?.facts ?? []);
    const before = [...(file?.entries ?? [])];
    return () => {
      // Who let a job go may still read its last messages, until somebody claims it.
      if (write.claim === null && owner !== null && owner !== process.owner)
        this.broken(`${process.name} appended to ${write.jobId}, which ${owner} owns`);
      if (file !== undefined && epoch !== write.epoch)
        this.broken(`${write.jobId} has epoch ${epoch} and took an append of ${write.epoch}`);
      // Without an owner in its row nobody would take up the job after a crash, and none of its calls is sent.
      const isLeft = write.claim?.owner === null;
      if (!write.isReleased && !isLeft && file?.job.owner !== process.owner)
        this.broken(`${process.name} goes on with ${write.jobId} without being its owner`);
      this.reports.push(...this.#deaths.claimed(write, owner));
      for (const fact of messages) this.#consumed(fact, write, before);
      for (const entry of write.entries)
        if (entry.type === "PredictionIntended") {
          this.#intendedAt.set(entry.key, this.#book.timeline.now);
          this.#reserved(write.budgets?.dayMicros, entry);
        }
    };
  }

  /** Whatever the others reserved meanwhile, and whatever died with something reserved: the day's budget holds. */
  #reserved(dayMicros: number | undefined, { key, at }: Entry & { readonly key: string }): void {
    if (dayMicros === undefined) return;
    const { reserved, spent } = this.#book.journals.spending.sum(dayOf(at), everybody);
    if ((reserved + spent) / 10 > dayMicros + 0.05)
      this.broken(`${key} takes the day to ${(reserved + spent) / 10} of ${dayMicros} micros`);
  }

  #consumed(fact: Fact, write: AppendEntries, before: ReadonlyArray<Entry>): void {
    if (write.entries.some((entry) => isSame(entry, fact))) return;
    const driver = this.#driverOf(write.jobId);
    if (driver === undefined) return;
    const all = [...before, ...write.entries];
    const isRefused = Array.from({ length: write.entries.length + 1 }, (_, count) => {
      const prefix = all.slice(0, before.length + count);
      const seq = prefix.length + 1;
      return driver.advance(driver.fold(prefix), { ...fact, seq, at: 0 }).isAccepted;
    }).includes(false);
    if (!isRefused) this.broken(`${write.jobId}: the message ${fact.type} was consumed and lost`);
  }

  #driverOf(jobId: string): JobDriver | undefined {
    const record = this.#book.journals.files.get(jobId)?.job.record;
    return record && this.#book.drivers.get(`${record.pipeline}@${record.version}`);
  }

  /** A paid create: intended durably, by the job's owner, a short time ago, once. */
  send(process: Mortal, key: string): void {
    const row = this.#book.journals.predictions.get(key);
    if (row === undefined) return this.broken(`${key} is sent without an intent`);
    if (row.state !== "intended") this.broken(`${key} is sent while it is ${row.state}`);
    if (this.#sent.has(key)) this.broken(`${key} is sent a second time`);
    this.#sent.add(key);
    const owner = this.#book.journals.files.get(row.jobId)?.job.owner;
    if (owner !== process.owner)
      this.broken(`${process.name} sends ${key} for a job that ${owner ?? "nobody"} owns`);
    const ageMs = this.#book.timeline.now - (this.#intendedAt.get(key) ?? 0);
    if (ageMs > orphanGraceMs / 4 + 5_000)
      this.broken(`${key} is sent ${ageMs} ms after its intent`);
  }

  /** A remote cancel: only where a committed entry asks for it. */
  cancel(predictionId: string): void {
    const row = this.#rowOf(predictionId);
    if (row?.state !== "duplicate" && row?.cancelRequestedAt == null)
      this.broken(`${predictionId} is cancelled, which no entry asks for`);
  }

  /** An output is parsed: its raw answer must be durable. */
  parse(predictionId: string): void {
    const row = this.#rowOf(predictionId);
    if (row?.state !== "settled" || row.raw === null)
      this.broken(`the answer of ${predictionId} is parsed while it is ${row?.state ?? "unknown"}`);
  }

  /** A user's function starts. */
  step(process: Mortal, { key, attempt, isRepeatable }: StepRun): void {
    const [jobId = "", path = ""] = key.split("/");
    if (this.#fenced.has(`${process.name} ${jobId}`))
      this.broken(`${process.name} runs ${key} after it was told that the job is another's`);
    const entries = this.#book.journals.files.get(jobId)?.entries ?? [];
    const isDone = entries.some((entry) => entry.type === "StepSucceeded" && entry.path === path);
    // Who was held for dead may not have heard of it yet.
    if (isDone && !process.isStale) this.broken(`${key} runs again after its result was committed`);
    if (isRepeatable) return;
    const run = `${key}#${attempt}`;
    const isStarted = entries.some(
      (entry) => entry.type === "StepStarted" && entry.path === path && entry.attempt === attempt,
    );
    if (!isStarted) this.broken(`${run} may run once and runs before its start was committed`);
    if (this.#ran.has(run)) this.broken(`${run} may run once and runs again`);
    this.#ran.add(run);
  }

  #rowOf(predictionId: string) {
    const { journals } = this.#book;
    const key = journals.keyOfPrediction("sim", predictionId);
    return key === undefined ? undefined : journals.predictions.get(key);
  }
}

const isSame = (entry: Entry, fact: Fact): boolean =>
  entry.type === fact.type && (!("key" in entry) || ("key" in fact && entry.key === fact.key));
