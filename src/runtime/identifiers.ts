/** Where ids come from: a test replaces the source, nothing else in a job is random but its jitter. */
import { randomBytes, randomUUID } from "node:crypto";
import { Clock, Effect } from "effect";

export interface Identifiers {
  /** Grows with time, so that what is written together lies together. */
  readonly jobId: Effect.Effect<string>;
  /** Unguessable: who knows it can claim to be the provider's answer to an intent. */
  readonly key: Effect.Effect<string>;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** UUID version 7: 48 bits of time, 74 of chance. Source: RFC 9562, section 5.7. */
const uuidv7 = (now: number): string => {
  const random = randomBytes(10);
  const time = now.toString(16).padStart(12, "0");
  const version = `7${hex(random.subarray(0, 2)).slice(1)}`;
  const variant = `${(0x8 | ((random[2] ?? 0) & 0x3)).toString(16)}${hex(random.subarray(2, 4)).slice(1)}`;
  return [time.slice(0, 8), time.slice(8), version, variant, hex(random.subarray(4, 10))].join("-");
};

export const randomIdentifiers: Identifiers = {
  jobId: Effect.map(Clock.currentTimeMillis, uuidv7),
  key: Effect.sync(() => randomUUID()),
};
