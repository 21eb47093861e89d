/**
 * One process of an engine over shared journals that dies at a commit: nothing that it does after that
 * reaches the store or the provider, and nothing is said to anybody. Its owner is dead from then on.
 */
import { Deferred, Effect, Exit, Scope } from "effect";
import { type Engine, type EngineOptions, makeEngine } from "../../../src/runtime/engine.ts";
import type { JournalStore, StoreFailure } from "../../../src/runtime/journal-store.ts";
import {
  type MemoryJournals,
  MemoryJournalStore,
} from "../../../src/runtime/journal-stores/memory.ts";
import type { ModelClient } from "../../../src/steps/model-client.ts";

/**
 * `commit` counts from 1. `answer`: the commit is durable and the process dies before it knows. `next`:
 * the process acts on it, sends what it has to send, and dies as it wants to commit again.
 */
export interface Death {
  readonly commit: number;
  readonly before: "answer" | "next";
}

export interface MortalProcess {
  readonly engine: Engine;
  readonly commits: () => number;
  /** Returns once the process is dead. */
  readonly died: Effect.Effect<void>;
  /** Frees what a dead process would have taken with it. */
  readonly bury: Effect.Effect<void>;
}

export interface Birth {
  readonly journals: MemoryJournals;
  readonly client: ModelClient;
  readonly options: Omit<EngineOptions, "store" | "models">;
  /** Null: it lives until it is buried. */
  readonly death: Death | null;
}

export const startProcess = Effect.fnUntraced(function* ({
  journals,
  client,
  options,
  death,
}: Birth): Effect.fn.Return<MortalProcess, StoreFailure> {
  const life = new Life(death);
  const scope = yield* Scope.make();
  const engine = yield* makeEngine({
    ...options,
    store: life.store(MemoryJournalStore.make(journals)),
    models: life.client(client),
  }).pipe(Effect.provideService(Scope.Scope, scope));
  return {
    engine,
    commits: () => life.commits,
    died: Effect.andThen(
      Deferred.await(life.died),
      Effect.sync(() => journals.kill(engine.owner)),
    ),
    bury: Scope.close(scope, Exit.void),
  };
});

class Life {
  readonly died = Deferred.makeUnsafe<void>();
  /** What a dead process waits for. */
  readonly #forever = Deferred.makeUnsafe<never>();
  readonly #death: Death | null;
  commits = 0;
  #isDead = false;

  constructor(death: Death | null) {
    this.#death = death;
  }

  store(store: JournalStore["Service"]): JournalStore["Service"] {
    return {
      ...this.#guard(store),
      register: store.register,
      changeCount: this.#alive(store.changeCount),
      commit: (writes) =>
        Effect.suspend(() => {
          if (this.#isDead) return Deferred.await(this.#forever);
          if (this.#death?.commit === this.commits && this.#death.before === "next")
            return this.#die;
          this.commits += 1;
          const isLast = this.#death?.commit === this.commits && this.#death.before === "answer";
          return isLast ? Effect.andThen(store.commit(writes), this.#die) : store.commit(writes);
        }),
    };
  }

  client(client: ModelClient): ModelClient {
    return { ...this.#guard(client), provider: client.provider, canFind: client.canFind };
  }

  readonly #die: Effect.Effect<never> = Effect.suspend(() => {
    this.#isDead = true;
    Deferred.doneUnsafe(this.died, Effect.void);
    return Deferred.await(this.#forever);
  });

  /** A dead process neither asks nor reads an answer. */
  #alive<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const unlessDead = Effect.suspend(() =>
      this.#isDead ? Deferred.await(this.#forever) : Effect.void,
    );
    return unlessDead.pipe(
      Effect.andThen(effect),
      Effect.tap(() => unlessDead),
    );
  }

  /** The same port, each of its calls by a process that may be dead. */
  #guard<Port extends object>(port: Port): Port {
    const guarded = Object.entries(port).map(([name, member]) => [
      name,
      typeof member !== "function"
        ? member
        : (...given: ReadonlyArray<unknown>) => {
            const returned: unknown = Reflect.apply(member, port, given);
            return Effect.isEffect(returned)
              ? // What a port's calls need and fail with is the port's own type's business.
                this.#alive(returned as Effect.Effect<unknown, unknown>)
              : returned;
          },
    ]);
    // Every member is there, with its own arguments and results.
    return Object.fromEntries(guarded) as Port;
  }
}
