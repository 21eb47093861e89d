/** Where ids come from: a test replaces the source, nothing else in a job is random but its jitter. */
import { randomUUID } from "node:crypto";
import { Clock, Effect } from "effect";

export interface Identifiers {
  /** Grows with time, so that what is written together lies together. */
  readonly jobId: Effect.Effect<string>;
  /** Unguessable: who knows it can claim to be the provider's answer to an intent. */
  readonly key: Effect.Effect<string>;
}

/**
 * UUID version 7: 48 bits of time, 74 of chance, which are those of a version 4: Node keeps a pool of
 * them, and has its variant bits where version 7 wants them. Source: RFC 9562, sections 5.4 and 5.7.
 */
const uuidv7 = (now: number): string => {
  const time = now.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
};

export const randomIdentifiers: Identifiers = {
  jobId: Effect.map(Clock.currentTimeMillis, uuidv7),
  key: Effect.sync(() => randomUUID()),
};
