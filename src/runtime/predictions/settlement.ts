/** What is made durable of an ended prediction before anybody interprets it: files, raw answer, receipt. */
import { Effect, Option, Result, Schedule, Schema } from "effect";
import type { FactOf, Receipt } from "../../machines/entry.ts";
import { encodeFailure, ProviderFailure } from "../../steps/failure.ts";
import type { ModelClient, Prediction } from "../../steps/model-client.ts";
import { filesIn } from "../../steps/normalise.ts";
import type { PredictionRow } from "../journal-store.ts";
import { assetsOfJob, type JobAssets } from "../job-assets.ts";
import { storeValue } from "../job-values.ts";
import type { WatcherHost } from "./watcher-host.ts";
import { withFileInMemory } from "./files-in-memory.ts";
import { costOf, withoutNonsense } from "./price-table.ts";

type Settled = FactOf<"PredictionSettled">;

export interface Ended {
  readonly row: PredictionRow;
  readonly prediction: Prediction;
  readonly copyMark: CopyMark;
  /** Copying has killed process after process: settled without its files, which a RETRY copies in the job's name. */
  readonly isDeadlyToCopy: boolean;
}

/** Says in the ledger whose files this process has in hand: of copying one it may die. A prediction without files costs nothing by it. */
export interface CopyMark {
  readonly set: Effect.Effect<void>;
  /** It is given up for now, and waits to be tried again. */
  readonly lift: Effect.Effect<void>;
}

/** A provider that cannot be reached is waited for, for some minutes: what it made is paid and still there. */
const outagePatience = Schedule.min([
  Schedule.exponential("500 millis"),
  Schedule.spaced("30 seconds"),
]).pipe(Schedule.upTo({ times: 14 }));
/** A file that comes damaged may come whole next time, or never. */
const damagePatience = Schedule.exponential("500 millis").pipe(Schedule.upTo({ times: 4 }));

/** The fact, with everything it refers to already stored. Waits through trouble of our own stores. */
export const settlementOf = Effect.fnUntraced(function* (
  client: ModelClient,
  host: SettlementHost,
  ended: Ended,
): Effect.fn.Return<Settled> {
  const { row, prediction } = ended;
  const raw = (yield* erasureOf(host, row)) ?? (yield* insist(keptAnswer(host, row, prediction)));
  // A double's files are nobody's: only what it cost is of interest.
  const copied =
    row.state === "duplicate"
      ? Result.succeed([])
      : yield* Effect.result(copiesOf(client, assetsOfJob(host, row.jobId), ended));
  return {
    type: "PredictionSettled",
    path: row.path,
    key: row.key,
    predictionId: prediction.id,
    status: prediction.status,
    raw,
    files: copied._tag === "Success" ? copied.success : [],
    fileFailure: copied._tag === "Success" ? null : encodeFailure(copied.failure),
    receipt: receiptOf(row, prediction, host),
  };
});

type SettlementHost = Pick<WatcherHost, "assets" | "prices" | "committer" | "store">;

const keptAnswer = (host: SettlementHost, { jobId }: PredictionRow, prediction: Prediction) =>
  storeValue(assetsOfJob(host, jobId, true), answerOf(prediction));

/** A double may end after its job was erased: nobody's answer is kept. */
const erasureOf = ({ store }: SettlementHost, { state, jobId }: PredictionRow) =>
  state === "duplicate"
    ? Effect.map(insist(store.job(jobId)), (job) => {
        const erasedAt = Option.isSome(job) ? job.value.record.erasedAt : null;
        return erasedAt === null ? undefined : { erasedAt };
      })
    : Effect.succeed(undefined);

/** The raw answer as stored: all the provider said, its output once, without the input that the intent has. */
export const Answer = Schema.Struct({
  output: Schema.Json,
  error: Schema.NullOr(Schema.String),
  createdAt: Schema.NullOr(Schema.Number),
  completedAt: Schema.NullOr(Schema.Number),
  raw: Schema.Json,
});

const answerOf = ({
  output,
  error,
  createdAt,
  completedAt,
  raw,
}: Prediction): typeof Answer.Type => ({
  output,
  error,
  createdAt,
  completedAt,
  raw: withoutPayload(raw),
});

const withoutPayload = (raw: Schema.Json): Schema.Json =>
  typeof raw === "object" && raw !== null && !Array.isArray(raw)
    ? Object.fromEntries(Object.entries(raw).filter(([key]) => key !== "input" && key !== "output"))
    : raw;

const receiptOf = (
  row: PredictionRow,
  prediction: Prediction,
  host: Pick<WatcherHost, "prices">,
): Receipt => {
  const metrics = withoutNonsense(prediction.metrics);
  return {
    provider: row.provider,
    model: row.model,
    predictionId: prediction.id,
    ...costOf(host.prices, row.model, { ...prediction, metrics }),
    metrics,
  };
};

const copiesOf = (
  client: ModelClient,
  assets: JobAssets,
  { row, prediction, copyMark, isDeadlyToCopy }: Ended,
): Effect.Effect<Settled["files"], ProviderFailure> => {
  const { provider } = client;
  if (prediction.status !== "succeeded") return Effect.succeed([]);
  if (prediction.isDataRemoved) {
    const detail = "the provider has removed the output before it could be copied";
    return Effect.fail(new ProviderFailure({ reason: "OutputExpired", provider, detail }));
  }
  if (isDeadlyToCopy) {
    const detail = "its files are not copied: process after process died while it did so";
    return Effect.fail(new ProviderFailure({ reason: "BadResponse", provider, detail }));
  }
  const { model } = row;
  return copyFiles(client, assets, { model, output: prediction.output, mark: copyMark });
};

export interface Output {
  readonly model: string;
  readonly output: Schema.Json;
  /** Default: nothing is marked. */
  readonly mark?: CopyMark;
}

type Copied = Settled["files"][number];

const noMark: CopyMark = { set: Effect.void, lift: Effect.void };

/** The files of an output, copied into our own store. Fails with: ProviderFailure. */
export const copyFiles = Effect.fnUntraced(function* (
  client: ModelClient,
  assets: JobAssets,
  { model, output, mark = noMark }: Output,
): Effect.fn.Return<Settled["files"], ProviderFailure> {
  const description = yield* patiently(client.describe(model));
  const urls = filesIn(description.output, output);
  const copied: Array<Copied> = [];
  const giveUp = () => (copied.length < urls.length ? mark.lift : Effect.void);
  const turn = copyOn(urls, copied, (url) => copyOf(client, assets, url)).pipe(
    Effect.tap(giveUp),
    Effect.tapError(giveUp),
  );
  // Whoever waits for a turn, or to try again, holds no file, and keeps nobody else from copying one.
  const inTurn = withFileInMemory(client, "fromProvider", Effect.andThen(mark.set, turn));
  while (copied.length < urls.length) yield* patiently(inTurn);
  return copied;
});

/** One after the other, so that what was begun is soon done. What fails has patience of its own: it begins a turn then. */
const copyOn = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  copied: Array<Copied>,
  copy: (url: string) => Effect.Effect<Copied, ProviderFailure>,
): Effect.fn.Return<void, ProviderFailure> {
  const before = copied.length;
  for (const url of urls.slice(before)) {
    const one = yield* Effect.result(copy(url));
    if (Result.isSuccess(one)) copied.push(one.success);
    else if (copied.length === before) return yield* Effect.fail(one.failure);
    else return;
  }
});

const copyOf = (
  client: ModelClient,
  assets: JobAssets,
  url: string,
): Effect.Effect<Copied, ProviderFailure> =>
  Effect.gen(function* () {
    const file = yield* client.download(url);
    const asset: Schema.Json = { ...(yield* insist(assets.put(file))) };
    return { url, asset };
  });

/** Tried again while that may help and costs nothing. */
const patiently = <A>(
  asked: Effect.Effect<A, ProviderFailure>,
): Effect.Effect<A, ProviderFailure> =>
  asked.pipe(
    Effect.retry({
      schedule: damagePatience,
      while: ({ reason, isPermanent }) => reason === "BadResponse" && isPermanent !== true,
    }),
    Effect.retry({ schedule: outagePatience, while: isOutage }),
  );

const isOutage = ({ reason }: ProviderFailure): boolean =>
  reason === "Unavailable" || reason === "RateLimited";

/** Our own disk is waited for: what was paid is not given up because a folder is full. */
const insist = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A> =>
  effect.pipe(
    Effect.tapError((error) => Effect.logWarning("a paid result waits for storage", error)),
    Effect.retry(Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("5 seconds")])),
    Effect.orDie,
  );
