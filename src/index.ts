/** The public API of Catena. */
export { Catena, type Job, type StartOptions } from "./runtime/catena.ts";
export type { CatenaDeadLetters } from "./runtime/catena-dead-letters.ts";
export { CatenaService } from "./runtime/catena-service.ts";
export type { Readiness, StartFailure, SubmitOptions } from "./runtime/catena-service.ts";
export type { Delta } from "./runtime/deltas/delta.ts";
export type { SignalAnswer, SignalOptions } from "./runtime/signals.ts";
export type { JobState } from "./runtime/stored-jobs.ts";
export {
  CatenaStopped,
  JobCancelled,
  JobFailed,
  JobUnavailable,
  type Outcome,
} from "./runtime/outcome.ts";
export type { Alert, AlertChange, AlertName } from "./runtime/alerts/alert.ts";
export type { AlertOptions } from "./runtime/alerts/alert-options.ts";
export { type LettersDone, LetterUnavailable, type Redrive } from "./runtime/dead-letters.ts";
export type {
  DeadLetter,
  LetterCause,
  LetterFilter,
  LetterPage,
} from "./runtime/journal-dead-letters.ts";
export { newApiKey } from "./runtime/http-api/api-keys.ts";
export type {
  ApiKey,
  Caller,
  CallerInput,
  HttpApiOptions,
  Scope,
} from "./runtime/http-api/http-options.ts";
export type { NodeHandler } from "./runtime/http-api/node-handler.ts";
export { httpRoutes } from "./runtime/http-api/effect-routes.ts";
export { CannotListen, serveHttp, type ServeOptions } from "./runtime/http-api/serve-http.ts";
export { type RetentionOptions, StartError, type RuntimeOptions } from "./runtime/options.ts";
export type { BudgetOptions } from "./runtime/spending/budget-options.ts";
export type {
  LimitOptions,
  LimitsByProvider,
  ProviderLimitOptions,
} from "./runtime/predictions/limit-options.ts";
export type { BudgetUse } from "./runtime/spending/budget-use.ts";
export type { ErasedJob } from "./runtime/retention/erase.ts";
export type { Pruned, PruneOptions, PruneReport } from "./runtime/retention/prune.ts";
export type {
  SubscriptionOptions,
  NotificationOptions,
} from "./runtime/notifications/notification-options.ts";
export { Notify } from "./runtime/notify.ts";
export type { EmailOptions } from "./runtime/notification-channels/email.ts";
export type { MemoryAnswer, MemoryChannel } from "./runtime/notification-channels/memory.ts";
export type { WebhookOptions } from "./runtime/notification-channels/webhook.ts";
export type { ReceivedWebhook } from "./runtime/notification-channels/webhook/received.ts";
export { NotificationUnavailable } from "./runtime/notifications.ts";
export {
  type Notification,
  type NotificationChannel,
  NotDelivered,
} from "./runtime/notification-channel.ts";
export type {
  NotificationFilter,
  NotificationRow,
  NotificationState,
  NotificationType,
} from "./runtime/journal-outbox.ts";
export type { Observation } from "./runtime/jobs/job-host.ts";
export {
  type PastJob,
  statelyInspection,
  type StatelyInspection,
  type StatelyInspectionOptions,
  type StatelyInspector,
  statelyReplay,
} from "./runtime/inspection.ts";
export { JournalStore, StoreFailure } from "./runtime/journal-store.ts";
export { SqliteJournalStore } from "./runtime/journal-stores/sqlite.ts";
export type {
  JobFilter,
  JobStatus,
  PredictionRow,
  StateRecord,
  Waiting,
} from "./runtime/journal-store.ts";
export { listPrices, type Price, type PriceTable } from "./runtime/predictions/price-table.ts";
export type { Entry, EntryOf, Fact, Receipt } from "./machines/entry.ts";
export {
  describePipeline,
  type PipelineDescription,
  type StepDescription,
} from "./machines/describe.ts";
export { toMermaid, type MermaidOptions } from "./machines/mermaid.ts";
export { Pipeline, PipelineError } from "./machines/pipeline.ts";
export type {
  AnyPipeline,
  FailureOf,
  InputOf,
  OutputOf,
  ServicesOf,
  SignalsOf,
} from "./machines/pipeline.ts";
export { Approval } from "./steps/approval.ts";
export { Asset } from "./steps/asset.ts";
export { AssetStore, AssetStoreFailure } from "./steps/asset-store.ts";
export type { AssetPage, ListedAsset, Removal, Removed, StoredBytes } from "./steps/asset-store.ts";
export {
  type Defect,
  type Failure,
  type FailureKind,
  type Issue,
  PolicyFailure,
  ProviderFailure,
  TimeoutFailure,
  ValidationFailure,
} from "./steps/failure.ts";
export type { ModelClient, Prediction } from "./steps/model-client.ts";
export { Functions } from "./steps/model-clients/functions.ts";
export { Replicate } from "./steps/model-clients/replicate.ts";
export { Parse } from "./steps/parse.ts";
export type { CaptionOptions } from "./steps/ready-made/caption.ts";
export type { ClassifyOptions, LabelOf, Labels } from "./steps/ready-made/classify.ts";
export type { ExtractOptions } from "./steps/ready-made/extract.ts";
export type { HttpDone, HttpOptions } from "./steps/ready-made/http.ts";
export type { ImageOptions } from "./steps/ready-made/image.ts";
export type { LlmOptions, Prompt } from "./steps/ready-made/llm.ts";
export type { Check, FunctionModeration, ModelModeration } from "./steps/ready-made/moderate.ts";
export { Steps } from "./steps/ready-made/steps.ts";
export type { Put } from "./steps/ready-made/store.ts";
export type { TranscribeOptions } from "./steps/ready-made/transcribe.ts";
export type { Transcript } from "./steps/ready-made/transcript.ts";
export type { Ruling, ValidateOptions } from "./steps/ready-made/validate.ts";
export { Retry, type RetryPolicy } from "./steps/retry.ts";
export { type AnyStep, type Repair, Step, type StepContext } from "./steps/step.ts";
export type { TimeoutInput } from "./steps/timeout.ts";
