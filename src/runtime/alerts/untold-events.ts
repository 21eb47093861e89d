/**
 * Events of alerts on their way into the outbox: what is raised while nothing can be written, as a full disk does
 * with alerts of its own, waits here and is told, in order, once something can.
 */
import { Effect } from "effect";
import type { StoreFailure } from "../journal-store.ts";
import type { Notifications, RaisedEvent } from "../notifications.ts";

/** An alert changes twice a minute at the most; of an outage of days the oldest changes are let go. */
const maxWaiting = 1_000;

export class UntoldEvents {
  #waiting: Array<RaisedEvent> = [];
  readonly #notifications: Pick<Notifications, "raise">;

  constructor(notifications: Pick<Notifications, "raise">) {
    this.#notifications = notifications;
  }

  add(event: RaisedEvent): void {
    this.#waiting = [...this.#waiting, event].slice(-maxWaiting);
  }

  /** Tells what waits, up to the first that cannot be told. Its key makes a repetition the same event. Fails with: StoreFailure. */
  readonly tell: Effect.Effect<void, StoreFailure> = Effect.gen({ self: this }, function* () {
    while (true) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      yield* this.#notifications.raise(first);
      this.#waiting = this.#waiting.filter((event) => event !== first);
    }
  });
}
