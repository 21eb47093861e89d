/** Many jobs failed for good within a while. */
import { inWords, type Reading, stateOf } from "./alert.ts";
import type { AlertSettings } from "./alert-settings.ts";

export const letterGrowth = (
  died: number,
  { count, windowMs }: NonNullable<AlertSettings["deadLetters"]>,
): Reading => ({
  name: "dead-letters",
  subject: "",
  what: `${died} ${died === 1 ? "dead letter has" : "dead letters have"} come in the last ${inWords(windowMs)}`,
  value: died,
  threshold: count,
  state: stateOf(died, count),
  action: "GET /dead-letters/causes counts them by cause; redrive or discard them.",
});
