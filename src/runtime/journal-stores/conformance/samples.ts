/** Small right records for the cases; each function takes what its case is about. */
import type { Entry, EntryOf, Value } from "../../../machines/entry.ts";
import type { EraseJob, EraseRawAnswers } from "../../journal-retention.ts";
import type {
  AppendEntries,
  ChangePrediction,
  CreateJob,
  InboxRow,
  PredictionRow,
  StateRecord,
  StoredJob,
} from "../../journal-store.ts";

export const startedAt = 1_700_000_000_000;

const value = (text: string) => ({ json: { text } });

export const recordOf = (jobId: string, part: Partial<StateRecord> = {}): StateRecord => ({
  jobId,
  pipeline: "campaign",
  version: 1,
  fingerprint: "f1",
  status: "pending",
  detail: null,
  currentStep: null,
  attempt: 0,
  inputPayload: value(`input of ${jobId}`),
  normalizedOutput: null,
  errorMessage: null,
  failureKind: null,
  rawReference: null,
  costMicros: 0,
  waiting: null,
  createdAt: startedAt,
  updatedAt: startedAt,
  erasedAt: null,
  ...part,
});

/** A record with every column filled; `held`: the values of the entries it is written with. */
export const fullRecordOf = (
  jobId: string,
  held: { readonly output?: Value; readonly raw?: Value } = {},
): StateRecord =>
  recordOf(jobId, {
    status: "failed",
    detail: "unknown",
    currentStep: "image",
    attempt: 3,
    normalizedOutput: held.output ?? value("änd 'quotes' \u0000 ☃"),
    errorMessage: "The image took longer\u0000 than 60000 ms",
    failureKind: "timeout",
    rawReference: held.raw ?? { asset: "a".repeat(64), sizeBytes: 12 },
    costMicros: 1_234_567,
    waiting: {
      waitingFor: "a prediction",
      since: startedAt,
      until: startedAt + 5,
      next: "asks again",
    },
    updatedAt: startedAt + 9,
  });

export const submittedOf = (jobId: string): Entry => ({
  type: "JobSubmitted",
  pipeline: "campaign",
  version: 1,
  fingerprint: "f1",
  input: value(`input of ${jobId}`),
  seq: 1,
  at: startedAt,
});

export const jobOf = (jobId: string, part: Partial<StoredJob> = {}): StoredJob => ({
  record: recordOf(jobId),
  idempotencyKey: null,
  tenant: null,
  seq: 1,
  epoch: 0,
  owner: null,
  ...part,
});

export const createOf = (jobId: string, part: Partial<StoredJob> = {}): CreateJob => ({
  type: "CreateJob",
  job: jobOf(jobId, part),
  entries: [submittedOf(jobId)],
});

/** A job that owner `o` has from the start, in epoch 1. */
export const ownedOf = (jobId: string): CreateJob => createOf(jobId, { epoch: 1, owner: "o" });

export const stepEntry = (seq: number): EntryOf<"StepSucceeded"> => ({
  type: "StepSucceeded",
  path: "concept",
  attempt: 1,
  output: value(`output ${seq}`),
  seq,
  at: startedAt + seq,
});

export const startEntry = (seq: number): Entry => ({
  type: "StepStarted",
  path: "image",
  attempt: 1,
  round: 1,
  input: { entry: 1 },
  seq,
  at: startedAt + seq,
});

export const settledEntry = (seq: number): EntryOf<"PredictionSettled"> => ({
  type: "PredictionSettled",
  path: "concept",
  key: "k1",
  predictionId: "id of k1",
  status: "succeeded",
  raw: value(`raw ${seq}`),
  files: [],
  fileFailure: null,
  receipt: {
    provider: "replicate",
    model: "meta/llama",
    predictionId: "id of k1",
    costMicros: 650,
    basis: "seconds",
    metrics: { predict_time: 1.5 },
  },
  seq,
  at: startedAt + seq,
});

/** One entry after the last; as the owner of epoch 1 unless told otherwise. */
export const appendOf = (
  jobId: string,
  afterSeq: number,
  part: Partial<AppendEntries> = {},
): AppendEntries => ({
  type: "AppendEntries",
  jobId,
  epoch: 1,
  afterSeq,
  entries: [stepEntry(afterSeq + 1)],
  record: recordOf(jobId, { status: "processing" }),
  ledger: [],
  timers: [],
  consumed: [],
  claim: null,
  isReleased: false,
  ...part,
});

/** The whole job's end. */
export const releaseOf = (
  jobId: string,
  afterSeq: number,
  part: Partial<AppendEntries> = {},
): AppendEntries =>
  appendOf(jobId, afterSeq, {
    record: recordOf(jobId, { status: "complete" }),
    isReleased: true,
    ...part,
  });

export const messageOf = (id: string, jobId: string): InboxRow => ({
  id,
  jobId,
  at: startedAt,
  facts: [{ type: "CancelRequested", by: "a person" }],
});

export const predictionOf = (
  key: string,
  jobId: string,
  part: Partial<PredictionRow> = {},
): PredictionRow => ({
  key,
  jobId,
  path: "concept",
  attempt: 1,
  call: 1,
  provider: "replicate",
  model: "meta/llama",
  inputHash: "b".repeat(64),
  estimateMicros: 650,
  timeoutMs: 60_000,
  intendedAt: startedAt,
  state: "intended",
  predictionId: null,
  status: null,
  cancelRequestedAt: null,
  isUnconfirmed: false,
  copying: null,
  settledAt: null,
  raw: null,
  receipt: null,
  ...part,
});

/** The remote truth about an accepted prediction, with a message to its job. */
export const settlementOf = (key: string, jobId: string): ChangePrediction => ({
  type: "ChangePrediction",
  key,
  from: ["accepted"],
  change: {
    state: "settled",
    status: "succeeded",
    settledAt: startedAt + 70,
    raw: value("raw"),
    receipt: {
      provider: "replicate",
      model: "meta/llama",
      predictionId: `id of ${key}`,
      costMicros: 650,
      basis: "seconds",
      metrics: { predict_time: 1.5 },
    },
  },
  inbox: messageOf(`settled ${key}`, jobId),
});

export const erasedAt = startedAt + 1_000;

export const eraseOf = (jobId: string, seq: number): EraseJob => ({
  type: "EraseJob",
  jobId,
  seq,
  at: erasedAt,
  leavesBehind: "assets",
});

export const eraseRawOf = (jobId: string, seq: number): EraseRawAnswers => ({
  type: "EraseRawAnswers",
  jobId,
  seq,
  at: erasedAt,
});
