/** The first of the queue waits too long: too few slots, or nobody here has its pipeline. */
import type { Option } from "effect";
import type { LongestInQueue } from "../journal-vitals.ts";
import { inWords, type Reading, stateOf } from "./alert.ts";
import type { AlertSettings } from "./alert-settings.ts";

export const queueAge = (
  first: Option.Option<LongestInQueue>,
  { afterMs }: NonNullable<AlertSettings["queueAge"]>,
  { now, isDeployed }: { readonly now: number; readonly isDeployed: (key: string) => boolean },
): ReadonlyArray<Reading> => {
  if (first._tag === "None") return [];
  const { jobId, pipeline, version, since } = first.value;
  const ageMs = Math.max(now - since, 0);
  const key = `${pipeline}@${version}`;
  return [
    {
      name: "queue-age",
      subject: "",
      what: `job ${jobId} of ${key} has waited for a free slot for ${inWords(ageMs)}`,
      value: ageMs,
      threshold: afterMs,
      state: stateOf(ageMs, afterMs),
      action: isDeployed(key)
        ? "Raise concurrency or add a process, unless jobs are stuck."
        : `This process does not have ${key}: start one that does, or cancel its jobs.`,
    },
  ];
};
