/** What the cases of the conformance suite are made of. */
import { Effect, Equal, Schema } from "effect";
import type { Scope } from "effect";
import type {
  JournalStore,
  StoredJob,
  StoreFailure,
  Write,
  WriteResult,
} from "../../journal-store.ts";

export type Store = JournalStore["Service"];

/** A guarantee did not hold: what was looked at, what was expected, what came. */
export class ConformanceFailure extends Schema.TaggedError<ConformanceFailure>()(
  "ConformanceFailure",
  {
    claim: Schema.String,
    expected: Schema.Unknown,
    actual: Schema.Unknown,
  },
) {
  override get message(): string {
    return `${this.claim}: expected ${JSON.stringify(this.expected)}, got ${JSON.stringify(this.actual)}`;
  }
}

export interface StoreUnderTest {
  /** One connection to journals that are empty at first; a second one sees the same journals. */
  readonly open: Effect.Effect<Store, StoreFailure, Scope.Scope>;
  /** Overwrites a stored entry with what does not decode; null where an adapter stores no text. */
  readonly corruptEntry: ((jobId: string, seq: number) => Effect.Effect<void>) | null;
  /** The store commits through a second connection, so that its change count moves with its own commits. Default: false. */
  readonly countsOwnCommits?: boolean;
}

export type Run = Effect.Effect<void, ConformanceFailure | StoreFailure, Scope.Scope>;

export interface CaseBody {
  readonly name: string;
  readonly run: (test: StoreUnderTest) => Run;
}

/** Holds where both are structurally equal. Fails with: ConformanceFailure. */
export const expectEqual = (
  claim: string,
  actual: unknown,
  expected: unknown,
): Effect.Effect<void, ConformanceFailure> =>
  Equal.equals(actual, expected)
    ? Effect.void
    : Effect.fail(new ConformanceFailure({ claim, expected, actual }));

const wordOf = (result: WriteResult): string => {
  if (result.type === "Conflict") return `Conflict over ${result.over}`;
  return result.type === "Duplicate" ? `Duplicate of ${result.jobId}` : result.type;
};

/** Commits one batch and compares the answers in words: `Committed`, `Conflict over Job`, `Duplicate of a`. */
export const expectResults = Effect.fnUntraced(function* (
  store: Store,
  writes: ReadonlyArray<Write>,
  expected: ReadonlyArray<string>,
) {
  const results = yield* store.commit(writes);
  yield* expectEqual(
    `results of ${writes.map((write) => write.type).join(", ")}`,
    results.map(wordOf),
    expected,
  );
});

/** Commits a batch in which nothing may conflict. */
export const commitAll = (store: Store, ...writes: ReadonlyArray<Write>) =>
  expectResults(
    store,
    writes,
    writes.map(() => "Committed"),
  );

export const idsOf = (jobs: ReadonlyArray<StoredJob>): ReadonlyArray<string> =>
  jobs.map((job) => job.record.jobId);
