/**
 * The journals that memory stores share, with the indices that keep every question's cost independent
 * of how many jobs are finished. Nothing here outlives the process.
 */
import type { Entry } from "../../../machines/entry.ts";
import type { InboxRow, JobTimer, PredictionRow, StoredJob } from "../../journal-store.ts";
import { isOpen, waitsForPlace } from "../write-rules.ts";
import { AssetHolders } from "./asset-holders.ts";
import { AssetNames } from "./asset-names.ts";
import { MemoryLetters } from "./letters.ts";
import { MemoryOutbox } from "./outbox.ts";
import { Spending } from "./spending.ts";

/** Everything of one job. */
export interface JobFile {
  readonly ordinal: number;
  readonly entries: Array<Entry>;
  readonly inbox: Map<string, InboxRow>;
  readonly predictionKeys: Array<string>;
  job: StoredJob;
  isReleased: boolean;
  timers: ReadonlyArray<JobTimer>;
  /** When its raw answers were taken away last (ms); before all time where they never were. */
  rawErasedAt: number;
}

const pair = (left: string, right: string): string => JSON.stringify([left, right]);

/** The shared backing of memory stores: two owners over one store are two stores over one of these. */
export class MemoryJournals {
  readonly files = new Map<string, JobFile>();
  readonly pending = new Set<JobFile>();
  readonly unread = new Set<JobFile>();
  readonly messageIds = new Set<string>();
  readonly predictions = new Map<string, PredictionRow>();
  readonly openKeys = new Set<string>();
  readonly alive = new Set<string>();
  /** Dead owners that went by themselves. */
  readonly left = new Set<string>();
  readonly owned = new Map<string, Set<JobFile>>();
  readonly names = new AssetNames();
  readonly holders = new AssetHolders();
  readonly letters = new MemoryLetters();
  /** When the last report on a prediction came (ms), by its key. */
  readonly hints = new Map<string, number>();
  readonly outbox = new MemoryOutbox();
  readonly spending = new Spending();
  readonly #jobByIdempotencyKey = new Map<string, string>();
  readonly #keyByPredictionId = new Map<string, string>();
  /** How many commits there were, over all stores. */
  commits = 0;
  #owners = 0;

  nextOwner(): string {
    this.#owners += 1;
    return `owner-${this.#owners}`;
  }

  /** Makes an owner dead as SIGKILL would: what it has stays its own until someone takes it over. */
  kill(owner: string): void {
    this.alive.delete(owner);
  }

  /** Lets an owner go as the end of its scope does. */
  leave(owner: string): void {
    if (this.alive.delete(owner)) this.left.add(owner);
  }

  jobWithKey(pipeline: string, idempotencyKey: string): string | undefined {
    return this.#jobByIdempotencyKey.get(pair(pipeline, idempotencyKey));
  }

  /** The job is no longer found by its idempotency key. */
  forgetKey({ record, idempotencyKey }: StoredJob): void {
    if (idempotencyKey !== null)
      this.#jobByIdempotencyKey.delete(pair(record.pipeline, idempotencyKey));
  }

  /** As if the job had never had its key. */
  freeKey(file: JobFile): void {
    this.forgetKey(file.job);
    file.job = { ...file.job, idempotencyKey: null };
  }

  keyOfPrediction(provider: string, predictionId: string): string | undefined {
    return this.#keyByPredictionId.get(pair(provider, predictionId));
  }

  add(job: StoredJob, entries: ReadonlyArray<Entry>): void {
    const file: JobFile = {
      ordinal: this.files.size,
      entries: [...entries],
      inbox: new Map(),
      predictionKeys: [],
      job,
      isReleased: false,
      timers: [],
      rawErasedAt: Number.NEGATIVE_INFINITY,
    };
    this.files.set(job.record.jobId, file);
    if (job.idempotencyKey !== null) {
      this.#jobByIdempotencyKey.set(
        pair(job.record.pipeline, job.idempotencyKey),
        job.record.jobId,
      );
    }
    this.place(file, job);
  }

  /** Replaces the job's row and keeps the indices true. */
  place(file: JobFile, job: StoredJob): void {
    if (file.job.owner !== null) this.#disown(file.job.owner, file);
    file.job = job;
    if (job.owner !== null) this.#own(job.owner, file);
    if (job.owner === null && waitsForPlace(job.record)) this.pending.add(file);
    else this.pending.delete(file);
  }

  #own(owner: string, file: JobFile): void {
    const files = this.owned.get(owner);
    if (files === undefined) this.owned.set(owner, new Set([file]));
    else files.add(file);
  }

  #disown(owner: string, file: JobFile): void {
    const files = this.owned.get(owner);
    files?.delete(file);
    if (files?.size === 0) this.owned.delete(owner);
  }

  post(file: JobFile, row: InboxRow): void {
    this.messageIds.add(row.id);
    file.inbox.set(row.id, row);
    this.unread.add(file);
  }

  consume(file: JobFile, ids: ReadonlyArray<string>): void {
    for (const id of ids) file.inbox.delete(id);
    if (file.inbox.size === 0) this.unread.delete(file);
  }

  /** Adds or replaces a row of the ledger. */
  putPrediction(file: JobFile, row: PredictionRow): void {
    if (!this.predictions.has(row.key)) file.predictionKeys.push(row.key);
    this.spending.book(file.job.tenant, this.predictions.get(row.key), row);
    this.predictions.set(row.key, row);
    if (row.predictionId !== null)
      this.#keyByPredictionId.set(pair(row.provider, row.predictionId), row.key);
    if (isOpen(row)) this.openKeys.add(row.key);
    else this.openKeys.delete(row.key);
  }

  /** Clears the owner of a released job none of whose predictions is open any more. */
  settleRelease(file: JobFile): void {
    if (file.isReleased && !file.predictionKeys.some((key) => this.openKeys.has(key))) {
      this.place(file, { ...file.job, owner: null });
    }
  }
}
