/** An alert as it is told to subscriptions: one event, however many processes of a store see the same. */
import { createHash } from "node:crypto";
import type { RaisedEvent } from "../notifications.ts";
import type { AlertChange, AlertName } from "./alert.ts";

/** What each process sees for itself; everything else is in the store, the same for all of them. */
const own: ReadonlySet<AlertName> = new Set(["failure-rate", "about-to-be-lost"]);

/** Processes look at the store at different times: what they see within so long (ms) is one event. */
const sameEventMs = 600_000;

export const alertEvent = ({ type, alert, at }: AlertChange, owner: string): RaisedEvent => {
  const { name, subject, what, value, threshold, since, action } = alert;
  const seenBy = own.has(name) ? [owner, at] : [Math.floor(at / sameEventMs)];
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
