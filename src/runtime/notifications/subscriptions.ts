/** Who is told what: the option as users give it is checked here, once. */
import type { NotificationType } from "../journal-outbox.ts";
import type { NotificationChannel } from "../notification-channel.ts";
import { hasMethod, refuseStrangers, StartError } from "../options.ts";
import type { NotificationOptions, SubscriptionOptions } from "./notification-options.ts";

export interface Subscription {
  readonly name: string;
  readonly channel: NotificationChannel;
  readonly events: ReadonlySet<NotificationType>;
  /** Null: of every pipeline. */
  readonly pipelines: ReadonlySet<string> | null;
}

const jobEvents = ["job.complete", "job.failed", "job.cancelled"] as const;
const allEvents: ReadonlyArray<NotificationType> = [...jobEvents, "alert.raised", "alert.cleared"];

const fields = ["channel", "events", "pipelines"] satisfies ReadonlyArray<
  keyof SubscriptionOptions
>;

/** Throws StartError that names the field where one is not of its kind. `pipelines`: the names of those that are deployed. */
export const checkSubscriptions = (
  options: NotificationOptions = {},
  pipelines: ReadonlyArray<string>,
): ReadonlyArray<Subscription> => {
  if (!isRecord(options))
    throw new StartError("notifications", "a record of subscriptions by name", kindOf(options));
  return Object.entries(options).map(([name, given]) => {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name))
      throw new StartError("notifications", "named by 1 to 64 letters, digits, _ and -", name);
    const field = `notifications.${name}`;
    if (!isRecord(given)) throw new StartError(field, "an object with a channel", kindOf(given));
    refuseStrangers(field, given, fields);
    if (!hasMethod("deliver", given.channel))
      throw new StartError(
        `${field}.channel`,
        "a channel such as Notify.webhook(…)",
        kindOf(given.channel),
      );
    const events = oneOf(`${field}.events`, given.events ?? jobEvents, allEvents);
    const wanted = given.pipelines;
    return {
      name,
      channel: given.channel,
      events: new Set(events),
      pipelines:
        wanted === undefined ? null : new Set(oneOf(`${field}.pipelines`, wanted, pipelines)),
    };
  });
};

/** What was given in the place of a channel may be the address that is its secret: only its kind is said. */
const kindOf = (given: unknown): string => (Array.isArray(given) ? "a list" : typeof given);

const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A list that is not empty, of these words: a misspelt one would never tell anybody anything. */
const oneOf = <Word extends string>(
  field: string,
  given: unknown,
  words: ReadonlyArray<Word>,
): ReadonlyArray<Word> => {
  const expected = `a list of at least one of ${words.join(", ")}`;
  if (!Array.isArray(given) || given.length === 0) throw new StartError(field, expected, given);
  return given.map((one: unknown) => {
    const word = words.find((known) => known === one);
    if (word === undefined) throw new StartError(field, expected, one);
    return word;
  });
};
