/** What a caller asks a job for. */
import type { Fact } from "../../machines/entry.ts";

export type Verb = "cancel" | "retry" | "pause" | "resume";

/** What a caller asks a job for, as the fact its journal keeps. */
export const factOf = (verb: Verb, caller: string): Fact => {
  const by = `api:${caller}`;
  switch (verb) {
    case "cancel":
      return { type: "CancelRequested", by };
    case "retry":
      return { type: "RetryRequested", by, isFresh: false };
    case "pause":
      return { type: "PauseRequested", by };
    case "resume":
      return { type: "ResumeRequested", by };
  }
};
