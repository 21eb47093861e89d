/** The durable queue of jobs that nobody has started: rows, oldest first, taken up as slots become free. */
import { Effect } from "effect";
import type { Claim } from "./claim.ts";
import type { Deployed } from "./job-host.ts";
import type { JournalStore, StoreFailure } from "./journal-store.ts";
import { deployedOf } from "./left-behind.ts";

interface Surroundings {
  readonly store: JournalStore["Service"];
  /** By `name@version`. */
  readonly deployed: ReadonlyMap<string, Deployed>;
  readonly freeSlots: () => number;
  readonly claimAll: (claims: ReadonlyArray<Claim>) => Effect.Effect<void, StoreFailure>;
  /** Runs in the background, through any trouble of the store. */
  readonly background: (effect: Effect.Effect<void, StoreFailure>) => void;
}

export class PendingQueue {
  readonly #around: Surroundings;
  #mayHaveRows = true;
  #isDraining = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** False only while it is certain that nobody waits: a new job may start at once. */
  readonly mayHaveRows = (): boolean => this.#mayHaveRows;

  /** There may be a row that was not seen yet. */
  readonly noteRow = (): void => {
    this.#mayHaveRows = true;
    this.drain();
  };

  /** Starts what waits, as far as there are slots. */
  readonly drain = (): void => {
    const { freeSlots, background } = this.#around;
    if (!this.#mayHaveRows || this.#isDraining || freeSlots() <= 0) return;
    this.#isDraining = true;
    background(
      Effect.ensuring(
        this.#startRows(),
        Effect.sync(() => {
          this.#isDraining = false;
        }),
      ),
    );
  };

  #startRows(): Effect.Effect<void, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const { store, deployed, freeSlots, claimAll } = this.#around;
      for (let free = freeSlots(); free > 0; free = freeSlots()) {
        // Set before asking: what is noted while we ask is not forgotten.
        this.#mayHaveRows = false;
        const rows = yield* store.pending([...deployed.keys()], free);
        this.#mayHaveRows ||= rows.length === free;
        const claims = rows.flatMap((stored) => {
          const own = deployedOf(deployed, stored);
          return own === undefined
            ? []
            : [{ stored, deployed: own, isTakeover: false, starts: true }];
        });
        yield* claimAll(claims);
        if (!this.#mayHaveRows || claims.length === 0) return;
      }
    });
  }
}
