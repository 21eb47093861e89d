/**
 * What subscriptions have been told of alerts, by this process and by those before it: so that what one that
 * is gone has raised is cleared by the next, and an alert that comes back soon is told again.
 */
import { Effect } from "effect";
import type { NotificationRow } from "../journal-outbox.ts";
import type { JournalStore, StoreFailure } from "../journal-store.ts";
import { type Alert, type AlertChange, isOfProcess } from "./alert.ts";
import { alertOf } from "./alert-event.ts";

export interface HistoryHost {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  /** Subscriptions that are told when an alert is raised and when it is cleared. */
  readonly hearing: ReadonlySet<string>;
}

/** Alerts are rare; those who were told before so many others are forgotten. */
const maxRows = 1_000;

export class AlertHistory {
  /** When each change was seen last (ms). */
  readonly #lastAt = new Map<string, number>();

  /** Notes it, and answers when the same was seen before; null where it was not. */
  note(change: AlertChange): number | null {
    const key = keyOf(change);
    const before = this.#lastAt.get(key) ?? null;
    this.#lastAt.set(key, change.at);
    return before;
  }

  /** Reads what was told before; answers the alerts of which nobody has told yet that they are over. Fails with: StoreFailure. */
  read({ owner, store, hearing }: HistoryHost): Effect.Effect<ReadonlyArray<Alert>, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const isHeard = (row: NotificationRow): boolean => hearing.has(row.subscription);
      const rows = yield* store.notifications({ jobId: null, limit: maxRows });
      const others = new Set(yield* store.livingOwners);
      others.delete(owner);
      for (const { change } of changesIn(rows)) this.note(change);
      const open = new Map<string, Alert>();
      // Who is never told that an alert is over leaves every one of them open.
      for (const { change, teller } of changesIn(rows.filter(isHeard))) {
        // What a living process sees for itself is its own to clear.
        if (isOfProcess(change.alert.name) && others.has(teller)) continue;
        if (change.type === "raised") open.set(placeOf(change.alert), change.alert);
        else open.delete(placeOf(change.alert));
      }
      return [...open.values()];
    });
  }
}

/** Oldest first, each once, to however many it was told. */
const changesIn = (
  rows: ReadonlyArray<NotificationRow>,
): ReadonlyArray<{ readonly change: AlertChange; readonly teller: string }> => {
  const seen = new Set<string>();
  return rows.toReversed().flatMap((row) => {
    const event = row.id.slice(0, -row.subscription.length);
    const change = alertOf(row);
    if (change === null || seen.has(event)) return [];
    seen.add(event);
    return [{ change, teller: row.owner }];
  });
};

const placeOf = ({ name, subject, threshold }: Alert): string =>
  JSON.stringify([name, subject, threshold]);

const keyOf = ({ type, alert }: AlertChange): string => JSON.stringify([placeOf(alert), type]);
