/** An alert as it is told to subscriptions: one event, however many processes of a store see the same. */
import { createHash } from "node:crypto";
import { Option, Schema } from "effect";
import type { NotificationRow } from "../journal-outbox.ts";
import type { RaisedEvent } from "../notifications.ts";
import { type Alert, type AlertChange, alertNames, isOfProcess } from "./alert.ts";

/** Processes look at the store at different times: what they see within so long (ms) is one event. */
const sameEventMs = 600_000;
/** It takes two looks to clear an alert, and those of others may lie anywhere between. */
const sameLooks = 3;

/** Who tells it, and what it knows of the same change before. */
export interface Telling {
  readonly owner: string;
  /** When this process saw the same change last (ms): what has come back since then is told again. */
  readonly lastAt: number | null;
  /** How often each process looks (ms). */
  readonly everyMs: number;
}

export const alertEvent = (
  { type, alert, at }: AlertChange,
  { owner, lastAt, everyMs }: Telling,
): RaisedEvent => {
  const { name, subject, what, value, threshold, since, action } = alert;
  const place = [name, subject, threshold, type];
  const oneEventMs = Math.max(sameEventMs, everyMs * sameLooks);
  const toldAfter = Math.max(at - oneEventMs, lastAt ?? Number.NEGATIVE_INFINITY);
  return {
    key: `alert_${digestOf([...place, owner, at])}`,
    type: `alert.${type}`,
    at,
    ...(isOfProcess(name) ? {} : { topic: { name: digestOf(place), toldAfter } }),
    data: {
      name,
      subject,
      what,
      value,
      threshold,
      since: new Date(since).toISOString(),
      action,
    },
  };
};

const digestOf = (parts: ReadonlyArray<string | number>): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 24);

const Told = Schema.Struct({
  name: Schema.Literals(alertNames),
  subject: Schema.String,
  what: Schema.String,
  value: Schema.Number,
  threshold: Schema.Number,
  since: Schema.String,
  action: Schema.String,
});
const decodeTold = Schema.decodeUnknownOption(Told);

/** What the notification told; null where it is of no alert. */
export const alertOf = ({
  type,
  at,
  data,
}: Pick<NotificationRow, "type" | "at" | "data">): AlertChange | null => {
  if (type !== "alert.raised" && type !== "alert.cleared") return null;
  const told = Option.getOrNull(decodeTold(data));
  if (told === null) return null;
  const alert: Alert = { ...told, since: Date.parse(told.since) };
  return { type: type === "alert.raised" ? "raised" : "cleared", alert, at };
};
