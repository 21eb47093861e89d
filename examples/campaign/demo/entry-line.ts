/** One entry of a journal as a line for people. */
import type { Entry, EntryOf } from "../../../src/index.ts";
import { dollars } from "./money.ts";

export interface EntryLine {
  readonly path: string;
  readonly text: string;
  /** `detail` is said where nothing else shows progress; `trouble` explains why something takes longer. */
  readonly weight: "detail" | "trouble" | "done";
}

/** Null for entries that say nothing new about a step. */
export const lineOf = (entry: Entry): EntryLine | null => {
  const line = (weight: EntryLine["weight"], text: string): EntryLine | null =>
    "path" in entry ? { path: entry.path, text, weight } : null;
  switch (entry.type) {
    case "StepStarted":
      return line("detail", `attempt ${entry.attempt} begins`);
    case "PredictionIntended":
      return line("detail", intended(entry));
    case "PredictionAccepted":
      return entry.isAdopted
        ? line(
            "trouble",
            `found again as prediction ${entry.predictionId}: it is not paid a second time`,
          )
        : line("detail", `the provider runs it as prediction ${entry.predictionId}`);
    case "PredictionUnknown":
      return line(
        "trouble",
        `no answer to the create (${entry.detail}): looks for it before paying again`,
      );
    case "PredictionAbsent":
      return line("trouble", "it was never made: asks again");
    case "PredictionRejected":
      return line("trouble", `the provider refuses: ${reasonOf(entry.failure)}`);
    case "PredictionSettled":
      return line(
        "detail",
        `${entry.status}, costs ${dollars(entry.receipt.costMicros)}; the raw answer is stored`,
      );
    case "PredictionUnconfirmed":
      return line("trouble", "its end is not confirmed yet: it is watched on");
    case "AttemptTimedOut":
      return line(
        "trouble",
        `attempt ${entry.attempt} took longer than ${seconds(entry.timeoutMs)}: cancels it`,
      );
    case "OutputRejected":
      return line(
        "trouble",
        `the answer cannot be used, asks once more: ${reasonOf(entry.failure)}`,
      );
    case "AttemptHeld":
      return line(
        "trouble",
        `the provider asks for patience, goes on in ${seconds(entry.retry.delayMs)}: ${reasonOf(entry.failure)}`,
      );
    case "AttemptFailed":
      return line(
        "trouble",
        `attempt ${entry.attempt} failed, the next one in ${seconds(entry.retry.delayMs)}: ${reasonOf(entry.failure)}`,
      );
    case "StepFailed":
      return line("trouble", `failed: ${reasonOf(entry.failure)}`);
    default:
      return null;
  }
};

const intended = ({
  attempt,
  model,
  repair,
  estimateMicros,
}: EntryOf<"PredictionIntended">): string => {
  const again = repair === 0 ? "" : `, asked again (${repair})`;
  return `attempt ${attempt}${again}: asks ${model.split(":")[0]}, at most ${dollars(estimateMicros)}`;
};

/** Why, in one line: the issues of an output, else the provider's words. */
export const reasonOf = (failure: EntryOf<"StepFailed">["failure"]): string => {
  switch (failure._tag) {
    case "ValidationFailure":
      return failure.issues
        .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
        .join("; ");
    case "ProviderFailure":
      return `${failure.reason}: ${failure.detail}`;
    case "TimeoutFailure":
      return `no end of the ${failure.awaited} within ${seconds(failure.timeoutMs)}`;
    case "PolicyFailure":
      return `blocked by the rule ${failure.rule}`;
    case "Defect":
      return failure.message;
  }
};

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
