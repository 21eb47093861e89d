/** What a process does beside its jobs' owners, such as bringing a job into memory: until it leaves. */
import { Effect, Fiber } from "effect";
import type { StoreFailure } from "../journal-store.ts";
import type { JobHost } from "./job-host.ts";

type Host = Pick<JobHost, "fork" | "committer">;

export class BackgroundWork {
  readonly #host: Host;
  readonly #fibers = new Set<Fiber.Fiber<void>>();
  #isLeaving = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Starts it, unless the process is leaving. */
  start(effect: Effect.Effect<void>): void {
    if (this.#isLeaving) return;
    const fiber = this.#host.fork(effect);
    this.#fibers.add(fiber);
    fiber.addObserver(() => this.#fibers.delete(fiber));
  }

  /** A store in trouble is waited for: what was to be done is still to be done. */
  insist(effect: Effect.Effect<void, StoreFailure>): Effect.Effect<void> {
    const again = Effect.andThen(this.#host.committer.whenHealthy, Effect.sleep("100 millis"));
    return effect.pipe(
      Effect.tapError(() => again),
      Effect.eventually,
      Effect.catchCause((cause) => Effect.logError("a job could not be loaded", cause)),
    );
  }

  /** Nothing is started any more, and what runs is let go. */
  readonly leave: Effect.Effect<void> = Effect.suspend(() => {
    this.#isLeaving = true;
    return Fiber.interruptAll(this.#fibers);
  });
}
