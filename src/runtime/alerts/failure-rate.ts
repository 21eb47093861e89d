/** Attempts that fail: by step, and by model over all steps that ask it. */
import { type Reading, stateOf } from "./alert.ts";
import type { AlertSettings } from "./alert-settings.ts";
import type { Ended } from "./failure-window.ts";
import { inWords } from "./alert.ts";

type Settings = NonNullable<AlertSettings["failureRate"]>;

export const failureRates = (
  ended: ReadonlyArray<Ended>,
  { share, attempts: enough, windowMs }: Settings,
): ReadonlyArray<Reading> =>
  ended.map(({ subject, attempts, failed }) => {
    const value = failed / attempts;
    const state = stateOf(value, share);
    return {
      name: "failure-rate",
      subject,
      what: `${failed} of ${attempts} attempts of ${subject} failed in the last ${inWords(windowMs)}`,
      value,
      threshold: share,
      // Too few attempts raise nothing; of what is raised they do not yet say that it is over.
      state: state === "bad" && attempts < enough ? "between" : state,
      action: "GET /dead-letters/causes says why; a fix and a redrive go on with what was kept.",
    };
  });
