/**
 * The public test kit: paths through a pipeline, a Catena for unit tests, values made from schemas,
 * static checks, and the suites of promises for adapters of one's own. It needs no particular runner.
 */
import { checkPlan } from "./machines/check-plan.ts";
import type { Finding } from "./machines/finding.ts";
import type { AnyPipeline } from "./machines/pipeline.ts";

/** What is wrong or doubtful with a pipeline, found without running anything; empty where nothing is. */
export const checkPipeline = (pipeline: AnyPipeline): ReadonlyArray<Finding> =>
  checkPlan(pipeline.plan);

export type { Finding } from "./machines/finding.ts";
export { Answer, type ScriptedAnswer, type StepAnswer } from "./runtime/testing/answer.ts";
export { inputsOf, NothingGenerated } from "./runtime/testing/generated.ts";
export type { GivenAnswers } from "./runtime/testing/given-answers.ts";
export { PathFailure } from "./runtime/testing/path-failure.ts";
export {
  type Path,
  type PathOptions,
  type PathSettings,
  type PathSuite,
  paths,
} from "./runtime/testing/path-suite.ts";
export { TestOptionError } from "./runtime/testing/test-option-error.ts";
export {
  testCatena,
  type TestCatena,
  type TestJob,
  type TestOptions,
  type TestRun,
  TestStuck,
} from "./runtime/testing/test-catena.ts";
export {
  type ConformanceCase,
  type JournalStoreAdapter,
  journalStoreConformance,
  type StoreUnderTest,
} from "./runtime/journal-store-conformance.ts";
export type { AssetStoreCase } from "./steps/asset-store-case.ts";
export { assetStoreCases } from "./steps/asset-store-conformance.ts";
export {
  type ModelClientCase,
  modelClientCases,
  type ModelClientSubject,
} from "./steps/model-client-conformance.ts";
export {
  type ChannelSubject,
  notificationChannelCases,
  type NotificationChannelCase,
  type ReceiverAnswer,
} from "./runtime/notification-channel-conformance.ts";
