/** An alert as it is told to subscriptions: one event, however many processes of a store see the same. */
import { createHash } from "node:crypto";
import { Option, Schema } from "effect";
import type { NotificationRow } from "../journal-outbox.ts";
import type { RaisedEvent } from "../notifications.ts";
import { type Alert, type AlertChange, alertNames, isOfProcess } from "./alert.ts";

/** Processes look at the store at different times: what they see within so long (ms) is one event. */
const sameEventMs = 600_000;

/** The span of time (ordinal) within which the same change is one event. */
export const spanOf = (at: number): number => Math.floor(at / sameEventMs);

/** Who tells it, and how often the same was told within its span before: what comes back is told again. */
export interface Telling {
  readonly owner: string;
  readonly before: number;
}

export const alertEvent = (
  { type, alert, at }: AlertChange,
  { owner, before }: Telling,
): RaisedEvent => {
  const { name, subject, what, value, threshold, since, action } = alert;
  const seenBy = isOfProcess(name) ? [owner, at] : [spanOf(at), before];
  const digest = createHash("sha256").update(
    JSON.stringify([name, subject, threshold, type, ...seenBy]),
  );
  return {
    key: `alert_${digest.digest("hex").slice(0, 24)}`,
    type: `alert.${type}`,
    at,
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
