/**
 * Reports of providers, which are hints and nothing more: each is kept in the ledger before it is answered,
 * then looked into here, or by the process that watches its prediction, or by whoever takes that one's jobs
 * over.
 */
import { Clock, Effect, Option, Scope } from "effect";
import type { GroupCommit } from "../group-commit.ts";
import type { JournalStore, StoreFailure } from "../journal-store.ts";
import { mayBeHinted } from "../journal-stores/write-rules.ts";
import type { Providers } from "./providers.ts";

/** `late`: its prediction is closed already. `unknown`: the provider has none under this key. */
export type Heard = "kept" | "late" | "unknown";

export interface PredictionHints {
  /** Keeps the report and has it looked into, without waiting for that. Fails with: StoreFailure. */
  keep(provider: string, key: string): Effect.Effect<Heard, StoreFailure>;
}

export interface HintHost {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  readonly committer: GroupCommit;
  readonly providers: Pick<Providers, "hear">;
  /** How often (ms) to look for what other processes have kept. */
  readonly lookEveryMs: number;
  /** Whether predictions of jobs that nobody owns are looked at as well. */
  readonly takesOthers: boolean;
}

/** Hears what other processes keep for as long as the scope lives. */
export const makePredictionHints = Effect.fnUntraced(function* (
  host: HintHost,
): Effect.fn.Return<PredictionHints, never, Scope.Scope> {
  const scope = yield* Effect.scope;
  const context = yield* Effect.context<never>();
  const hints = new Hints(host, (effect) => {
    Effect.runForkWith(context)(Effect.forkIn(effect, scope));
  });
  yield* Effect.forkScoped(hints.hearOthers);
  return hints;
});

class Hints implements PredictionHints {
  readonly #host: HintHost;
  readonly #fork: (effect: Effect.Effect<void>) => void;
  /** Looks that are under way; true where another report came meanwhile. */
  readonly #looking = new Map<string, boolean>();
  /** The reports (by their instants) that this process has heard, of predictions that are not closed. */
  #heard = new Map<string, number>();

  constructor(host: HintHost, fork: (effect: Effect.Effect<void>) => void) {
    this.#host = host;
    this.#fork = fork;
  }

  keep(provider: string, key: string): Effect.Effect<Heard, StoreFailure> {
    const { store, committer } = this.#host;
    return Effect.gen({ self: this }, function* () {
      const row = Option.getOrNull(yield* store.prediction(key));
      if (row?.provider !== provider) return "unknown";
      if (!mayBeHinted(row)) return "late";
      const at = yield* Clock.currentTimeMillis;
      const write = { type: "HintPrediction", key, provider, at } as const;
      const result = yield* committer.tryCommit(write, () => undefined);
      if (result.type !== "Committed") return "late";
      this.#heard.set(key, at);
      this.#look(key);
      return "kept";
    });
  }

  /** Never returns. */
  readonly hearOthers: Effect.Effect<void> = Effect.gen({ self: this }, function* () {
    let seen = -1;
    while (true) {
      // What could not be read is looked for again.
      seen = yield* Effect.orElseSucceed(this.#hearSince(seen), () => seen);
      yield* Effect.sleep(this.#host.lookEveryMs);
    }
  });

  #hearSince(seen: number): Effect.Effect<number, StoreFailure> {
    const { store, owner, takesOthers } = this.#host;
    return Effect.gen({ self: this }, function* () {
      const count = yield* store.changeCount;
      if (count === seen) return seen;
      const ours = yield* store.hints(owner);
      const nobodys = takesOthers ? yield* store.hints(null) : [];
      const before = this.#heard;
      const hints = [...ours, ...nobodys];
      this.#heard = new Map(hints.map(({ key, hintedAt }) => [key, hintedAt]));
      for (const { key, hintedAt } of hints) if (before.get(key) !== hintedAt) this.#look(key);
      return count;
    });
  }

  /** One look at a time: what came during one is followed by another, however much of it came. */
  #look(key: string): void {
    const isLooking = this.#looking.has(key);
    this.#looking.set(key, isLooking);
    if (isLooking) return;
    this.#fork(
      Effect.ensuring(
        this.#host.providers.hear(key),
        Effect.sync(() => {
          const isRepeated = this.#looking.get(key);
          this.#looking.delete(key);
          if (isRepeated === true) this.#look(key);
        }),
      ),
    );
  }
}
