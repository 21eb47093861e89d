/**
 * When a notification that was not taken is sent again: eight tries over 31 and a half hours, the schedule
 * of the Standard Webhooks specification up to its eighth try, with jitter, for every channel.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** The waits between one try and the next. */
const waitsMs: ReadonlyArray<number> = [
  5 * secondMs,
  5 * minuteMs,
  30 * minuteMs,
  2 * hourMs,
  5 * hourMs,
  10 * hourMs,
  14 * hourMs,
];

export const maxAttempts = waitsMs.length + 1;

/** The share of a wait that it may be longer, so that what failed together is not sent together again. */
const jitter = 0.2;

/** A receiver that asks for more patience than this is asked sooner. */
const maxAskedMs = 24 * hourMs;

/**
 * The wait (ms) after the failed try `attempt` (1-based); null after the last one. `chance` 0…1 places it in
 * the jitter's span; what the receiver asked for is kept to where it is longer.
 */
export const waitAfter = (
  attempt: number,
  { chance, askedMs = 0 }: { readonly chance: number; readonly askedMs?: number | undefined },
): number | null => {
  const wait = waitsMs[attempt - 1];
  if (wait === undefined) return null;
  return Math.round(Math.max(wait * (1 + jitter * chance), Math.min(askedMs, maxAskedMs)));
};
