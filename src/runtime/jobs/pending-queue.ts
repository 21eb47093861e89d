/** The durable queue of jobs that nobody has started: rows, oldest first, taken up as slots become free. */
import { Effect } from "effect";
import type { Claim } from "./claim.ts";
import type { Deployed } from "./job-host.ts";
import type { JournalStore, StoreFailure } from "../journal-store.ts";
import { deployedOf } from "./left-behind.ts";
import type { UnreadableJournals } from "./unreadable-journals.ts";

interface Surroundings {
  readonly store: JournalStore["Service"];
  /** By `name@version`. */
  readonly deployed: ReadonlyMap<string, Deployed>;
  readonly freeSlots: () => number;
  /** Jobs that no claim can take up. */
  readonly unreadable: Pick<UnreadableJournals, "has" | "count">;
  readonly claimAll: (claims: ReadonlyArray<Claim>) => Effect.Effect<void, StoreFailure>;
  /** Runs in the background, through any trouble of the store. */
  readonly background: (effect: Effect.Effect<void, StoreFailure>) => void;
}

export class PendingQueue {
  readonly #around: Surroundings;
  /** Something came since the rows were last asked for. */
  #isNoted = true;
  #mayHaveRows = true;
  #isDraining = false;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** False only while it is certain that nobody waits: a new job may start at once. */
  readonly mayHaveRows = (): boolean => this.#mayHaveRows || this.#isDraining;

  /** There may be a row that was not seen yet. */
  readonly noteRow = (): void => {
    this.#isNoted = true;
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
          if (this.#isNoted) this.drain();
        }),
      ),
    );
  };

  #startRows(): Effect.Effect<void, StoreFailure> {
    return Effect.gen({ self: this }, function* () {
      const { store, deployed, freeSlots, claimAll, unreadable } = this.#around;
      for (let free = freeSlots(); free > 0; free = freeSlots()) {
        // Set before asking: what is noted while we ask is not forgotten.
        this.#isNoted = false;
        // Rows that cannot be taken up stay where they are, and must not stand in the others' way.
        const limit = free + unreadable.count();
        const rows = yield* store.pending([...deployed.keys()], limit);
        const claims = rows.flatMap((stored) => {
          const own = deployedOf(deployed, stored);
          return own === undefined || unreadable.has(stored.record.jobId)
            ? []
            : [{ stored, deployed: own, isTakeover: false, starts: true }];
        });
        yield* claimAll(claims.slice(0, free));
        const isMore = claims.length > free || (rows.length >= limit && claims.length > 0);
        this.#mayHaveRows = this.#isNoted || isMore;
        if (!this.#mayHaveRows) return;
      }
    });
  }
}
