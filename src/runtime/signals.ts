/**
 * Sending a job a signal. What is sent is a message in the job's inbox whose id says which signal of the job
 * it is, so that of all that are sent at once, by whatever processes, one is taken and the others are told.
 */
import { Clock, Effect, Result } from "effect";
import type { Schema } from "effect";
import { initialContext } from "../machines/context.ts";
import type { Entry, FactOf, Value } from "../machines/entry.ts";
import { type PipelinePlan, type SignalNode, signalNodes } from "../machines/plan.ts";
import { record as fold } from "../machines/record.ts";
import { assetNamesIn } from "../steps/asset-names.ts";
import type { AssetStore, AssetStoreFailure } from "../steps/asset-store.ts";
import { canonicalJson } from "../steps/canonical-json.ts";
import type { Issue } from "../steps/failure.ts";
import { filesIn } from "./file-references.ts";
import { assetsFor } from "./job-assets.ts";
import { loadValue, storeValue, type ValueErased } from "./job-values.ts";
import type {
  InboxRow,
  JournalStore,
  StateRecord,
  StoreFailure,
  Write,
  WriteResult,
} from "./journal-store.ts";
import { erasedOn, JobUnavailable } from "./outcome.ts";
import { codecOf } from "./services/codecs.ts";
import { storedJob } from "./stored-job.ts";

export interface SentSignal {
  readonly jobId: string;
  /** The path of the step that waits for it. */
  readonly path: string;
  /** Has passed the signal's schema. */
  readonly value: Schema.Json;
  /** The sender's own name for what is sent: sent again under it, it is the same signal. Null: none. */
  readonly id: string | null;
  /** Who sends it. */
  readonly by: string;
  /** Whoever sends it may refer to any file, which is then the job's tenant's as well. Default: false. */
  readonly isTrusted?: boolean;
}

/** `isNew` is false where the signal was received before, with an equal value. */
export interface SignalAnswer {
  readonly isNew: boolean;
}

export interface SignalOptions {
  /** Sending again under the same key is the same signal, also after a RETRY. Not empty, no control characters. */
  readonly idempotencyKey?: string;
}

/** What a job with these signals, by name, can be sent. */
export interface SignalTaker<Signals> {
  /**
   * Sends what the step of this name waits for, or will wait for: checked before it is taken, and taken once.
   * Sent again with an equal value it is answered as received (`isNew: false`). Rejects with: ValidationFailure
   * (at signal), JobUnavailable (the job is over, or has the signal with another value), StoreFailure.
   */
  signal<Name extends keyof Signals & string>(
    name: Name,
    value: NoInfer<Signals[Name]>,
    options?: SignalOptions,
  ): Promise<SignalAnswer>;
}

export interface SignalHost {
  readonly store: JournalStore["Service"];
  readonly assets: AssetStore["Service"];
  /** Fails with: StoreFailure. */
  readonly commit: (write: Write, jobId: string) => Effect.Effect<WriteResult, StoreFailure>;
  /** There is a message for the job. */
  readonly nudge: (jobId: string) => void;
}

export type SendFailure = StoreFailure | AssetStoreFailure | JobUnavailable;

/** The step of the pipeline that waits for the signal of this name. */
export const signalNamed = (plan: PipelinePlan, name: string): SignalNode | undefined =>
  signalNodes(plan.nodes).find(({ path }) => path === name);

/** What a pipeline without this signal is told. */
export const noSuchSignal = ({ name, version, nodes }: PipelinePlan, signal: string): string => {
  const own = signalNodes(nodes).map(({ path }) => path);
  const has = own.length === 0 ? "it has none" : `it has ${own.join(", ")}`;
  return `the pipeline ${name}@${version} has no signal ${JSON.stringify(signal)}; ${has}`;
};

/** JSON as the signal has it: what decodes alike is alike, and fields that it does not have are issues. */
export const signalValue = (
  { program }: SignalNode,
  json: unknown,
): Result.Result<Schema.Json, ReadonlyArray<Issue>> => {
  const codec = codecOf(program.signal);
  return Result.flatMap(codec.decodeExactly(json), codec.encode);
};

/**
 * Leaves the signal for the job, which takes it up at once, or when its step is reached. Fails with:
 * StoreFailure, AssetStoreFailure, and JobUnavailable where the job is over or has the signal with another value.
 */
export const sendSignal = Effect.fnUntraced(function* (
  host: SignalHost,
  sent: SentSignal,
): Effect.fn.Return<SignalAnswer, SendFailure> {
  const { jobId, path, id, by } = sent;
  let isPosted = false;
  for (let looks = 0; looks < maxLooks; looks += 1) {
    const standing = yield* standingOf(host, sent);
    const { received, record, ordinal } = standing;
    if (received !== null) {
      yield* mustBeEqual(host, { received, record }, sent);
      return { isNew: isPosted };
    }
    yield* mustBeOpen(record, path);
    const value = yield* kept(host, sent);
    const fact: FactOf<"SignalReceived"> = { type: "SignalReceived", path, id, by, value };
    const row: InboxRow = {
      id: `signal:${jobId}:${path}:${ordinal}`,
      jobId,
      at: yield* Clock.currentTimeMillis,
      facts: [fact],
    };
    const result = yield* host.commit({ type: "PostInbox", row }, jobId);
    isPosted = result.type === "Committed";
    host.nudge(jobId);
    // One that was consumed and is not in the journal came too late for a job that is over: the next look says so.
  }
  return yield* Effect.die(new Error(`the signal ${path} of job ${jobId} is posted and not there`));
});

/** Two do; a RETRY between two looks asks for one more. */
const maxLooks = 10;

type Received = Pick<FactOf<"SignalReceived">, "id" | "value">;

interface Standing {
  readonly record: StateRecord;
  /** What the sender's signal would be a repetition of; null where it is the first. */
  readonly received: Received | null;
  /** 1-based: how many signals of this name the job would have had. */
  readonly ordinal: number;
}

/** What the job has been sent, read or not. Fails with: StoreFailure, JobUnavailable. */
const standingOf = Effect.fnUntraced(function* (
  { store }: SignalHost,
  { jobId, path, id }: SentSignal,
): Effect.fn.Return<Standing, StoreFailure | JobUnavailable> {
  // Messages first: what is read meanwhile is in the journal then.
  const unread = (yield* store.inbox(jobId)).flatMap(({ facts }) => facts).filter(isOf(path));
  const entries = yield* store.entries(jobId);
  const { record } = yield* storedJob(store, jobId);
  const own = entries.filter(isOf(path));
  const counted = signalsIn(entries)[path];
  const same = own.find((entry) => id !== null && entry.id === id);
  const present = own.find(({ seq }) => seq === counted);
  const received = same ?? present ?? unread[0] ?? null;
  return { record, received, ordinal: own.length + 1 };
});

const isOf =
  (path: string) =>
  <F extends { readonly type: string }>(
    fact: F,
  ): fact is Extract<F, { readonly type: "SignalReceived" }> =>
    fact.type === "SignalReceived" && "path" in fact && fact.path === path;

const signalsIn = (entries: ReadonlyArray<Entry>): Readonly<Record<string, number>> =>
  entries.reduce(fold, initialContext).signals;

/** Fails with: JobUnavailable where another value was sent before, AssetStoreFailure. */
const mustBeEqual = Effect.fnUntraced(function* (
  { assets }: SignalHost,
  { received, record }: Pick<Standing, "record"> & { readonly received: Received },
  { jobId, path, value }: SentSignal,
): Effect.fn.Return<void, AssetStoreFailure | JobUnavailable> {
  const known = yield* Effect.catchTag(
    loadValue(assets, received.value),
    "ValueErased",
    ({ erasedAt }: ValueErased) => Effect.fail(new JobUnavailable(jobId, erasedOn(erasedAt))),
  );
  if (canonicalJson(known) === canonicalJson(value)) return;
  const why =
    record.status === "failed"
      ? refusedByFailed(path)
      : `its signal ${path} was received already, with another value`;
  yield* Effect.fail(new JobUnavailable(jobId, why));
});

const refusedByFailed = (path: string): string =>
  `it has failed and takes no signal ${path} before it is retried`;

/** Fails with: JobUnavailable where the job has no use for a signal any more. */
const mustBeOpen = (
  { jobId, status, detail, erasedAt }: StateRecord,
  path: string,
): Effect.Effect<void, JobUnavailable> => {
  const unavailable = (why: string) => Effect.fail(new JobUnavailable(jobId, why));
  if (erasedAt !== null) return unavailable(erasedOn(erasedAt));
  if (status === "failed") return unavailable(refusedByFailed(path));
  if (detail === "cancelling") return unavailable("it is being cancelled and takes no signals");
  if (status === "pending" || status === "processing") return Effect.void;
  return unavailable(`it is ${status} and takes no signals`);
};

/** What the message holds; assets are the job's before they are named in it. Fails with: StoreFailure, AssetStoreFailure. */
const kept = Effect.fnUntraced(function* (
  { assets, commit }: SignalHost,
  { jobId, value, isTrusted = false }: SentSignal,
): Effect.fn.Return<Value, StoreFailure | AssetStoreFailure> {
  const name = (write: Write) => commit(write, jobId);
  const stored = yield* storeValue(assetsFor({ assets, jobId, isRaw: false, name }), value);
  const given = isTrusted ? filesIn(value) : [];
  // Those of a large value are named with it.
  const names = new Set("json" in stored ? assetNamesIn(JSON.stringify(value)) : given);
  if (names.size > 0)
    yield* name({
      type: "NameAssets",
      jobId,
      names: [...names].map((sha256) => ({
        sha256,
        isRaw: false,
        isPayload: false,
        isOwn: given.includes(sha256),
      })),
      at: yield* Clock.currentTimeMillis,
    });
  return stored;
});
