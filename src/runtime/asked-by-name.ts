/**
 * What the methods of a Catena are told by name. A word that does not exist is refused, as no compiler has seen it
 * where types are only stripped: a misspelt filter fits everything there is, a misspelt idempotency key pays twice.
 */
import type { SubmitOptions } from "./catena-service.ts";
import type { Redrive } from "./dead-letters.ts";
import type { LetterFilter } from "./journal-dead-letters.ts";
import type { NotificationFilter } from "./journal-outbox.ts";
import type { JobFilter } from "./journal-store.ts";
import type { SignalOptions } from "./signals.ts";

/** The fields there are, each with what it may be; null: whatever its type allows. */
type Words<T> = Readonly<Record<keyof T, ReadonlyArray<unknown> | null>>;

const kinds = ["validation", "timeout", "provider", "policy", "defect"] as const;

const jobWords: Words<JobFilter> = {
  status: ["pending", "processing", "failed", "complete", "cancelled"],
  failureKind: kinds,
  pipeline: null,
  tenant: null,
  createdFrom: null,
  createdBefore: null,
  text: null,
  olderThan: null,
  limit: null,
};
const letterWords: Words<LetterFilter> = {
  id: null,
  source: ["job", "notification"],
  tenant: null,
  pipeline: null,
  step: null,
  kind: [...kinds, "undeliverable"],
  cause: null,
  diedFrom: null,
  diedBefore: null,
};
const notificationWords: Words<NotificationFilter> = {
  state: ["due", "delivered", "undeliverable"],
  subscription: null,
  jobId: null,
  olderThan: null,
  limit: null,
};
const retryWords: Words<{ readonly isFresh?: boolean }> = { isFresh: [true, false] };
const redriveWords: Words<Redrive> = { ...retryWords, by: null };
const keyWords: Words<SubmitOptions & SignalOptions> = { idempotencyKey: null };

/** Each throws a TypeError that names the method, the field and what there is; nothing said is well said. */
export const refuseUnknownWords = {
  jobs: (filter: object | undefined) => refuse("Catena.jobs", filter, jobWords),
  notifications: (filter: object | undefined) =>
    refuse("Catena.notifications", filter, notificationWords),
  letters: (method: string, filter: object | undefined) =>
    refuse(`Catena.deadLetters.${method}`, filter, letterWords),
  /** For what changes every letter that fits: a field that came out undefined would make it all of them. */
  lettersAtOnce: (method: string, filter: object) => {
    refuse(`Catena.deadLetters.${method}`, filter, letterWords);
    const missing = Object.entries(filter).find(([, value]) => value === undefined);
    if (missing !== undefined)
      throw new TypeError(
        `Catena.deadLetters.${method}: expected ${missing[0]} to say which letters, got undefined ({} is all of them)`,
      );
  },
  redrive: (method: string, options: object | undefined) =>
    refuse(`Catena.deadLetters.${method}`, options, redriveWords),
  retry: (options: object | undefined) => refuse("Job.retry", options, retryWords),
  submit: (options: object | undefined) => refuse("Catena.submit", options, keyWords),
  signal: (options: object | undefined) => refuse("Job.signal", options, keyWords),
} as const;

const refuse = (
  method: string,
  given: unknown,
  words: Readonly<Record<string, ReadonlyArray<unknown> | null>>,
): void => {
  if (given === undefined) return;
  const names = Object.keys(words);
  if (!isRecord(given))
    throw new TypeError(`${method}: expected an object with any of ${names.join(", ")}`);
  for (const [name, value] of Object.entries(given)) {
    const values = Object.hasOwn(words, name) ? words[name] : undefined;
    if (values === undefined)
      throw new TypeError(
        `${method}: expected nothing but ${names.join(", ")}, got ${JSON.stringify(name)}`,
      );
    if (values === null || value === undefined || values.includes(value)) continue;
    const got = typeof value === "string" ? JSON.stringify(value) : typeof value;
    throw new TypeError(
      `${method}: expected ${name} to be one of ${values.join(", ")}, got ${got}`,
    );
  }
};

/** Plain JavaScript might send a name, or a pipeline that nobody has ended. */
export const requirePipeline = (method: string, pipeline: unknown): void => {
  const plan: unknown = isRecord(pipeline) ? pipeline["plan"] : undefined;
  if (isRecord(plan) && "output" in plan) return;
  throw new TypeError(
    `Catena.${method}: expected a pipeline ended by .output(schema, map) as the first argument`,
  );
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
