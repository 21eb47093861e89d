/** Random facts about a job: most of them fit where it stands, some do not. */
import type { JobContext } from "../../src/machines/context.ts";
import type { Fact } from "../../src/machines/entry.ts";
import { outputPath } from "../../src/machines/plan.ts";
import { encodeFailure, ProviderFailure, ValidationFailure } from "../../src/steps/failure.ts";
import type { Dice } from "./seeded-dice.ts";

const failure = encodeFailure(
  new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "planned by the test" }),
);
const invalid = encodeFailure(new ValidationFailure({ at: "output", issues: [] }));
const value = { json: { text: "a" } };
const retry = { wakeAt: 1_000, delayMs: 500 };
const receipt = {
  provider: "acme",
  model: "acme/model",
  predictionId: "p",
  costMicros: 7,
  basis: "seconds",
  metrics: {},
};

/** Where the dice put a fact: the step that is meant, its attempt, and the key of a call. */
interface Aim {
  readonly context: JobContext;
  readonly path: string;
  readonly attempt: number;
  readonly key: string;
  readonly dice: Dice;
}

/** The next fact, for a job that remembers this. */
export const randomFact = (context: JobContext, paths: ReadonlyArray<string>, dice: Dice): Fact => {
  const present = paths.find((path) => context.outputs[path] === undefined) ?? outputPath;
  const path = dice.roll() < 0.9 ? present : dice.pick([outputPath, ...paths]);
  const step = context.steps[path];
  const keys = Object.keys(context.open);
  const key = dice.roll() < 0.8 ? (step?.call?.key ?? "none") : dice.pick(["none", ...keys]);
  const aim: Aim = { context, path, attempt: step?.attempt ?? 1, key, dice };
  return dice.pick(dice.roll() < 0.3 ? rare : common)(aim);
};

type Make = (aim: Aim) => Fact;

const common: readonly [Make, ...ReadonlyArray<Make>] = [
  () => ({ type: "JobStarted" }),
  ({ path, attempt, context }) => ({
    type: "StepStarted",
    path,
    attempt: attempt + 1,
    round: context.steps[path]?.round ?? 1,
    input: { entry: 1 },
  }),
  ({ path, attempt, context, dice }) => ({
    type: "PredictionIntended",
    path,
    attempt,
    call: (context.steps[path]?.calls ?? 0) + 1,
    repair: context.steps[path]?.repairs ?? 0,
    key: `key-${Math.floor(dice.roll() * 1e9)}`,
    provider: "acme",
    model: "acme/model",
    inputHash: "h",
    request: value,
    estimateMicros: 1,
    timeoutMs: 60_000,
  }),
  ({ path, key, dice }) => ({
    type: "PredictionAccepted",
    path,
    key,
    predictionId: "p",
    isAdopted: dice.roll() < 0.2,
  }),
  ({ path, key, dice }) => ({
    type: "PredictionSettled",
    path,
    key,
    predictionId: "p",
    status: dice.pick(["succeeded", "failed", "canceled", "aborted"]),
    raw: value,
    files: [],
    fileFailure: null,
    receipt,
  }),
  ({ path, attempt }) => ({ type: "StepSucceeded", path, attempt, output: value }),
  ({ path, context, dice }) => ({
    type: "SignalAwaited",
    path,
    round: context.steps[path]?.round ?? 1,
    input: { entry: 1 },
    timeout: dice.roll() < 0.5 ? retry : null,
  }),
];

const rare: readonly [Make, ...ReadonlyArray<Make>] = [
  () => ({
    type: "JobSubmitted",
    pipeline: "any",
    version: 1,
    fingerprint: "f",
    input: value,
  }),
  ({ dice }) => ({ type: "Claimed", owner: "o", epoch: 2, isTakeover: dice.roll() < 0.5 }),
  ({ path, attempt, context, dice }) => ({
    type: "PredictionReused",
    path,
    attempt,
    call: (context.steps[path]?.calls ?? 0) + 1,
    key: `key-${Math.floor(dice.roll() * 1e9)}`,
    provider: "acme",
    model: "acme/model",
    inputHash: "h",
    source: { jobId: "earlier", predictionId: "p", settledAt: 0 },
    raw: value,
    files: [],
    receipt: { ...receipt, costMicros: 0 },
  }),
  ({ path, dice }) => ({
    type: "SignalReceived",
    path,
    id: dice.roll() < 0.5 ? "click-1" : null,
    by: "a person",
    value,
  }),
  ({ path, key }) => ({ type: "PredictionRejected", path, key, failure }),
  ({ path, key }) => ({ type: "PredictionUnknown", path, key, detail: "no answer" }),
  ({ path, key }) => ({ type: "PredictionAbsent", path, key, isCertain: true }),
  ({ path, key }) => ({ type: "PredictionUnconfirmed", path, key }),
  ({ path, attempt, key, dice }) => ({
    type: "AttemptTimedOut",
    path,
    attempt,
    key,
    timeoutMs: 60_000,
    awaited: dice.pick(["attempt", "boot", "step"]),
  }),
  ({ path, attempt, key }) => ({ type: "OutputRejected", path, attempt, key, failure: invalid }),
  ({ path, attempt }) => ({ type: "AttemptHeld", path, attempt, failure, retry }),
  ({ path, attempt }) => ({ type: "AttemptFailed", path, attempt, failure, retry }),
  ({ path, attempt, dice }) => ({
    type: "StepFailed",
    path,
    attempt,
    kind: dice.pick(["validation", "timeout", "provider", "policy", "defect"]),
    failure,
  }),
  () => ({ type: "JobCompleted", output: value }),
  () => ({ type: "JobCompleted", output: value }),
  ({ dice }) =>
    dice.roll() < 0.15 ? { type: "CancelRequested", by: "a person" } : { type: "JobCancelled" },
  () => ({ type: "JobCancelled" }),
  () => ({ type: "PauseRequested", by: "a person" }),
  () => ({ type: "ResumeRequested", by: "a person" }),
  ({ dice }) => ({ type: "RetryRequested", by: "a person", isFresh: dice.roll() < 0.5 }),
];
