import { Schema } from "effect";
import { expect, test } from "vitest";
import { makeDriver } from "../../../src/machines/advance.ts";
import type { Fact } from "../../../src/machines/entry.ts";
import { Pipeline } from "../../../src/machines/pipeline.ts";
import type { Deployed } from "../../../src/runtime/jobs/job-host.ts";
import { newJob } from "../../../src/runtime/jobs/claim.ts";
import { Step } from "../../../src/steps/step.ts";

const { plan } = Pipeline.make("talk", { version: 1, input: Schema.String })
  .step(
    Step.model("answer", {
      input: Schema.String,
      output: Schema.String,
      model: "toy",
      request: (prompt) => ({ prompt }),
    }),
  )
  .output(Schema.String, ({ outputs }) => outputs.answer);

const deployed: Deployed = { plan, driver: makeDriver(plan), fingerprint: "f" };

const began: ReadonlyArray<Fact> = [
  { type: "Claimed", owner: "a", epoch: 1, isTakeover: false },
  { type: "JobStarted" },
  { type: "StepStarted", path: "answer", attempt: 1, round: 1, input: { entry: 1 } },
  {
    type: "PredictionIntended",
    path: "answer",
    attempt: 1,
    call: 1,
    repair: 0,
    key: "k",
    provider: "p",
    model: "toy",
    inputHash: "h",
    request: { json: {} },
    estimateMicros: 0,
    timeoutMs: 60_000,
  },
];

/** What the row of a job with these entries waits for. */
const waitsFor = (rest: ReadonlyArray<Fact>): string | undefined => {
  const { record } = newJob(deployed, "j", {
    submitted: {
      type: "JobSubmitted",
      pipeline: "talk",
      version: 1,
      fingerprint: "f",
      input: { json: "" },
    },
    rest,
    now: 1_000,
  });
  return record.waiting?.waitingFor;
};

test("a call that is on its way waits for the provider to take it", () => {
  expect(waitsFor(began)).toBe("the provider to take a call of answer");
});

test("a call whose sender died waits for news of it", () => {
  const takeover: Fact = { type: "Claimed", owner: "b", epoch: 2, isTakeover: true };
  expect(waitsFor([...began, takeover])).toBe("news of a call of answer whose answer was lost");
});

test("a call that the provider has taken waits for the model", () => {
  const accepted: Fact = {
    type: "PredictionAccepted",
    path: "answer",
    key: "k",
    predictionId: "1",
    isAdopted: false,
  };
  expect(waitsFor([...began, accepted])).toBe("the model of answer");
});
