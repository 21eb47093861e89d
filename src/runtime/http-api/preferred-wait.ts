/** `Prefer: wait=30` (RFC 7240): how long a caller would rather wait than ask again. */
import { Effect } from "effect";
import type { Engine } from "../engine.ts";
import type { StoreFailure } from "../journal-store.ts";

/** Longer would outlive the patience of most proxies. */
const maxWaitSeconds = 30;

/** The seconds asked for, 30 at most; 0 where none were. */
export const waitSecondsOf = (prefer: string | undefined): number => {
  const asked = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=[,;]|$)/i.exec(prefer ?? "")?.[1];
  return Math.min(Number(asked ?? "0"), maxWaitSeconds);
};

/** Returns once the job rests or the time is over. Fails with: StoreFailure. */
export const waitFor = (
  { jobs }: Engine,
  jobId: string,
  seconds: number,
): Effect.Effect<void, StoreFailure> =>
  seconds === 0
    ? Effect.void
    : Effect.asVoid(Effect.timeoutOption(jobs.rested(jobId), seconds * 1_000));
