/**
 * Which alerts are raised. One that is bad is raised at once; it is cleared when it has been good, or has
 * not been spoken of, twice in a row, so that it does not come and go.
 */
import type { Alert, AlertChange, AlertName, Reading } from "./alert.ts";

interface Raised {
  alert: Alert;
  goodInARow: number;
}

const clearsAfter = 2;

export class AlertBoard {
  readonly #raised = new Map<string, Raised>();

  /** The raised ones, longest first. */
  alerts(): ReadonlyArray<Alert> {
    return [...this.#raised.values()].map(({ alert }) => alert);
  }

  /** An alert of a process before this one, which nobody has told to be over. */
  inherit(alert: Alert): void {
    const key = keyOf(alert);
    if (!this.#raised.has(key)) this.#raised.set(key, { alert, goodInARow: 0 });
  }

  /** Takes what the checks found; `unknown` names those that could not be made, whose alerts stay as they are. */
  update(
    readings: ReadonlyArray<Reading>,
    unknown: ReadonlySet<AlertName>,
    now: number,
  ): ReadonlyArray<AlertChange> {
    const changes: Array<AlertChange> = [];
    const spokenOf = new Set<string>();
    for (const reading of readings) {
      const key = keyOf(reading);
      spokenOf.add(key);
      const change = this.#take(key, reading, now);
      if (change !== null) changes.push(change);
    }
    for (const [key, raised] of this.#raised) {
      if (spokenOf.has(key) || unknown.has(raised.alert.name)) continue;
      const change = this.#good(key, raised, now);
      if (change !== null) changes.push(change);
    }
    return changes;
  }

  #take(key: string, { state, ...said }: Reading, now: number): AlertChange | null {
    const raised = this.#raised.get(key);
    if (raised === undefined) {
      if (state !== "bad") return null;
      const alert = { ...said, since: now };
      this.#raised.set(key, { alert, goodInARow: 0 });
      return { type: "raised", alert, at: now };
    }
    raised.alert = { ...said, since: raised.alert.since };
    if (state === "good") return this.#good(key, raised, now);
    raised.goodInARow = 0;
    return null;
  }

  #good(key: string, raised: Raised, now: number): AlertChange | null {
    raised.goodInARow += 1;
    if (raised.goodInARow < clearsAfter) return null;
    this.#raised.delete(key);
    return { type: "cleared", alert: raised.alert, at: now };
  }
}

/** A threshold of its own makes an alert of its own: a budget at 80 % is not the one at 100 %. */
const keyOf = ({ name, subject, threshold }: Omit<Reading, "state">): string =>
  JSON.stringify([name, subject, name === "budget" ? threshold : null]);
