/**
 * Whether a write whose commit failed without a clear answer was applied after all: its repetition is
 * then in conflict with itself, which must not be taken for another's doing.
 */
import { Effect, Option } from "effect";
import type {
  AppendEntries,
  CreateJob,
  JournalStore,
  StoreFailure,
  Write,
} from "./journal-store.ts";

type Store = JournalStore["Service"];

/** True where what the store holds is what this write would have made of it. Fails with: StoreFailure. */
export const isApplied = (store: Store, write: Write): Effect.Effect<boolean, StoreFailure> => {
  switch (write.type) {
    case "AppendEntries":
      return isAppended(store, write);
    case "CreateJob":
      return isCreated(store, write);
    case "ChangePrediction":
      return Effect.map(
        store.prediction(write.key),
        Option.exists(
          (row) =>
            row.state === write.change.state &&
            row.predictionId === (write.change.predictionId ?? row.predictionId),
        ),
      );
    case "AddDuplicate":
      return Effect.map(store.prediction(write.row.key), Option.isSome);
    case "PostInbox":
      // Only the same message has the same id.
      return Effect.succeed(true);
    case "DiscardLetter":
      return Effect.map(store.letter(write.id), Option.isNone);
    case "EraseJob":
      return Effect.map(
        store.job(write.jobId),
        Option.exists(({ record }) => record.erasedAt !== null),
      );
    case "ChangeNotification":
      return Effect.map(
        store.notification(write.id),
        Option.exists(
          ({ state, attempts, owner }) =>
            state === write.to.state && attempts === write.to.attempts && owner === write.to.owner,
        ),
      );
    case "HintPrediction":
    case "PostNotifications":
    case "TakeNotifications":
    case "TidyNotifications":
    case "EraseRawAnswers":
    case "NameAssets":
    case "TidyAssets":
    case "RecordUpload":
    case "ForgetHolders":
      // Done twice they do what they do once.
      return Effect.succeed(false);
  }
};

/** Nobody else appends in our epoch, so that our epoch with our last seq is our batch. */
const isAppended = (store: Store, { jobId, claim, epoch, afterSeq, entries }: AppendEntries) =>
  Effect.map(
    store.job(jobId),
    Option.exists(
      (job) =>
        job.seq === afterSeq + entries.length &&
        job.epoch === (claim?.epoch ?? epoch) &&
        (claim === null || job.owner === claim.owner),
    ),
  );

const isCreated = (store: Store, { job }: CreateJob) =>
  Effect.map(store.job(job.record.jobId), Option.isSome);
