/** Stories that between them write every type of entry that a job can have. */
import { Effect } from "effect";
import { ProviderFailure } from "../../../src/index.ts";
import {
  type ModelClient,
  SubmitRejected,
  SubmitUnknown,
} from "../../../src/steps/model-client.ts";
import { good, Passing, type Story } from "./story.ts";

const by = "a person";
const wrong = { text: "no JSON at all" };
const failing = { error: "planned by the test" };

type Submit = ModelClient["submit"];

/** The first create goes as told, the others as ever. */
const firstSubmit =
  (first: (submit: Submit) => Submit) =>
  (client: ModelClient): ModelClient => {
    let calls = 0;
    return {
      ...client,
      submit: (request) => {
        calls += 1;
        return calls === 1
          ? first((again) => client.submit(again))(request)
          : client.submit(request);
      },
    };
  };

const lost = new SubmitUnknown({ detail: "the connection broke" });
const busy = new SubmitRejected({
  failure: new ProviderFailure({
    reason: "RateLimited",
    provider: "functions",
    detail: "slow down",
    retryAfterMs: 2_000,
  }),
});

export const stories: Readonly<Record<string, Story>> = {
  "succeeds at once": { ends: "complete" },
  "uses the answer of an earlier job again": { isSecond: true, ends: "complete" },
  "repairs an output": { answers: [wrong, good], ends: "complete" },
  "tries again by itself": { answers: [failing, good], ends: "complete" },
  "tries a mapped error of a function again": { throws: new Passing("full"), ends: "complete" },
  "is tried again by a person": {
    answers: [failing, failing, good],
    asks: { StepFailed: { type: "RetryRequested", by, isFresh: false } },
    ends: "complete",
  },
  "is cancelled in a call": {
    answers: ["silence"],
    asks: { PredictionAccepted: { type: "CancelRequested", by } },
    ends: "cancelled",
  },
  "is cancelled after it has failed": {
    answers: [failing],
    asks: { StepFailed: { type: "CancelRequested", by } },
    ends: "cancelled",
  },
  "is paused and goes on": {
    asks: {
      PredictionIntended: { type: "PauseRequested", by },
      PauseRequested: { type: "ResumeRequested", by },
    },
    ends: "complete",
  },
  "waits for a signal": {
    isConfirmed: true,
    asks: {
      SignalAwaited: {
        type: "SignalReceived",
        path: "confirm",
        id: "click-1",
        by,
        value: { json: "a kettle" },
      },
    },
    ends: "complete",
  },
  "waits for a signal in vain": { isConfirmed: true, ends: "failed" },
  "fails validation": { answers: [wrong], ends: "failed" },
  "fails by time": { answers: ["silence"], ends: "failed" },
  "fails by its provider": { answers: [failing], ends: "failed" },
  "fails by policy": { answers: [{ text: '{"headline":"rude"}' }], ends: "failed" },
  "fails by a defect": { throws: new Error("a bug"), ends: "failed" },
  "is held by a busy provider": {
    line: firstSubmit(() => () => Effect.fail(busy)),
    ends: "complete",
  },
  "finds a call whose answer was lost": {
    line: firstSubmit((submit) => (request) => Effect.andThen(submit(request), Effect.fail(lost))),
    ends: "complete",
  },
  "makes a call again that never arrived": {
    line: firstSubmit(() => () => Effect.fail(lost)),
    ends: "complete",
  },
  "gives up on the end of a call": {
    answers: ["silence"],
    line: (client) => ({ ...client, cancel: (id) => client.get(id) }),
    asks: { PredictionAccepted: { type: "CancelRequested", by } },
    ends: "cancelled",
  },
};
