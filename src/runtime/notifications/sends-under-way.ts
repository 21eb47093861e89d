/** What is being sent right now, so that a stop can let it come to its end and begin nothing more. */
import { Effect, Latch } from "effect";

export class SendsUnderWay {
  readonly #idle = Latch.makeUnsafe(true);
  #count = 0;
  #isClosed = false;

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Runs it, unless nothing is begun any more. */
  run(send: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#isClosed) return Effect.void;
      this.#count += 1;
      this.#idle.closeUnsafe();
      return Effect.ensuring(
        send,
        Effect.sync(() => {
          this.#count -= 1;
          if (this.#count === 0) this.#idle.openUnsafe();
        }),
      );
    });
  }

  /** Nothing is begun any more; returns once what was begun has ended. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#isClosed = true;
    return this.#idle.await;
  });
}
