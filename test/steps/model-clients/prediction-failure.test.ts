/** Which errors of a prediction are tried again. */
import { assert, describe, it } from "@effect/vitest";
import { predictionFailure } from "../../../src/steps/model-clients/prediction-failure.ts";

describe("a failed prediction", () => {
  it.each([
    "NSFW content detected. Try running it again, or try a different prompt.",
    "Error generating: NSFW",
    "The input or output was flagged as sensitive. Please try again with different inputs. (E005)",
  ])("that a filter stopped is a policy: %s", (error) => {
    const failure = predictionFailure("replicate", error);
    assert.deepInclude(failure, { _tag: "PolicyFailure", rule: "provider-filter" });
    assert.isFalse(failure.isRetryable);
  });

  it.each([
    "E1001: out of memory",
    "CUDA out of memory. Tried to allocate 20 MiB",
    "torch.cuda.OutOfMemoryError: CUDA out of memory",
  ])("that ran out of memory is not tried again: %s", (error) => {
    assert.isFalse(predictionFailure("replicate", error).isRetryable);
  });

  it.each(["E1000", "E6716: timeout", "E8765", "E9825", "E10012", "list index out of range", null])(
    "of any other kind is tried again: %s",
    (error) => {
      const failure = predictionFailure("replicate", error);
      assert.deepInclude(failure, { _tag: "ProviderFailure", reason: "PredictionFailed" });
      assert.isTrue(failure.isRetryable);
    },
  );
});
