/** Guarantees about which assets are named, which are free, and which are left behind. */
import { Effect } from "effect";
import type { Entry } from "../../../machines/entry.ts";
import { commitAll, expectEqual, expectResults, type CaseBody, type Store } from "./case.ts";
import {
  appendOf,
  createOf,
  erasedAt,
  eraseOf,
  eraseRawOf,
  ownedOf,
  predictionOf,
  releaseOf,
  settledEntry,
  startedAt,
  stepEntry,
} from "./samples.ts";

const [x, y, z] = ["1".repeat(64), "2".repeat(64), "3".repeat(64)];

const naming = (seq: number, json: object): Entry => ({
  ...stepEntry(seq),
  output: { json: { ...json } },
});

const large = (seq: number, sha256: string): Entry => ({
  ...stepEntry(seq),
  output: { asset: sha256, sizeBytes: 70_000 },
});

const freeIn = (store: Store, ...sha256s: ReadonlyArray<string>) =>
  Effect.map(store.freeAssets({ sha256s, asIf: null }), (free) => [...free].toSorted());

const leftIn = (store: Store) =>
  Effect.map(store.leftovers("", 9), (left) => left.map(({ sha256 }) => sha256));

const nameOf = (
  jobId: string,
  sha256: string,
  part: { isRaw?: boolean; isPayload?: boolean } = {},
) =>
  ({
    type: "NameAssets",
    jobId,
    names: [{ sha256, isRaw: false, isPayload: false, ...part }],
    at: startedAt,
  }) as const;

const named = Effect.fnUntraced(function* (
  store: Store,
  jobId: string,
  ...entries: ReadonlyArray<Entry>
) {
  yield* commitAll(store, ownedOf(jobId), releaseOf(jobId, 1, { entries }));
});

export const namingCases: ReadonlyArray<CaseBody> = [
  {
    name: "an entry names assets by hash or by place, an intent's input hash is none",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const place = `file:///srv/assets/${z.slice(0, 2)}/${z.slice(2)}.png`;
      const { inputHash } = predictionOf("k1", "a");
      const intended: Entry = {
        type: "PredictionIntended",
        path: "concept",
        attempt: 1,
        call: 1,
        repair: 0,
        key: "k1",
        provider: "replicate",
        model: "meta/llama",
        inputHash,
        request: { json: { image: { sha256: y } } },
        estimateMicros: 1,
        timeoutMs: 1,
        seq: 3,
        at: startedAt,
      };
      yield* named(store, "a", naming(2, { image: { sha256: x } }), intended, naming(4, { place }));
      yield* expectEqual("free", yield* freeIn(store, x, y, z, inputHash), [inputHash]);
    }),
  },
  {
    name: "an asset is free once no job names it any more, and is left behind by the last one erased",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* named(store, "a", naming(2, { x, y }));
      yield* named(store, "b", naming(2, { x }));
      yield* commitAll(store, eraseOf("a", 2));
      yield* expectEqual("free", yield* freeIn(store, x, y), [y]);
      yield* expectEqual("left", yield* store.leftovers("", 9), [
        { sha256: y, restedAt: startedAt },
      ]);
      yield* commitAll(store, eraseOf("b", 2));
      yield* expectEqual("free", yield* freeIn(store, x, y), [x, y]);
      yield* expectEqual("left", yield* leftIn(store), [x, y]);
      yield* expectEqual("after", (yield* store.leftovers(x, 9)).length, 1);
      yield* commitAll(store, { type: "TidyAssets", gone: [x], earlyBefore: 0 });
      yield* expectEqual("left", yield* leftIn(store), [y]);
    }),
  },
  {
    name: "a job that is pruned leaves behind its large values only",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* named(store, "a", naming(2, { x }), large(3, y));
      const [content] = yield* store.rested({
        before: erasedAt,
        hasRaw: false,
        after: null,
        limit: 1,
      });
      yield* expectEqual("payloads", content?.payloads, [{ sha256: y, isRaw: false }]);
      yield* commitAll(store, { ...eraseOf("a", 3), leavesBehind: "payloads" });
      yield* expectEqual("left", yield* leftIn(store), [y]);
      yield* expectEqual("free", yield* freeIn(store, x, y), [x, y]);
    }),
  },
  {
    name: "what only a raw answer names is free with it; what the rest of the job names is not",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const answer = { ...settledEntry(2), raw: { asset: x, sizeBytes: 70_000 } };
      yield* named(store, "a", answer, naming(3, { y }));
      yield* commitAll(
        store,
        nameOf("a", y, { isRaw: true }),
        nameOf("a", z, { isRaw: true, isPayload: true }),
      );
      yield* commitAll(store, eraseRawOf("a", 3));
      yield* expectEqual("free", yield* freeIn(store, x, y, z), [x, z]);
      yield* expectEqual("left", yield* leftIn(store), [x, z]);
    }),
  },
  {
    name: "a name may come before its job, which keeps it; one whose job never comes is dropped in time",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, nameOf("a", x), nameOf("a", y, { isPayload: true }), nameOf("b", z));
      yield* expectEqual("free", yield* freeIn(store, x, y, z), []);
      const create = createOf("a");
      const [submitted] = create.entries;
      if (submitted?.type !== "JobSubmitted") return;
      const entry: Entry = { ...submitted, input: { asset: y, sizeBytes: 70_000 } };
      yield* commitAll(store, { ...create, entries: [entry] });
      const tidy = { type: "TidyAssets", gone: [] } as const;
      yield* commitAll(store, { ...tidy, earlyBefore: startedAt });
      yield* expectEqual("still named", yield* freeIn(store, x, y, z), []);
      yield* commitAll(store, { ...tidy, earlyBefore: startedAt + 1 });
      yield* expectEqual("free", yield* freeIn(store, x, y, z), [z]);
    }),
  },
  {
    name: "what was named for a job that proves to be there already is named by that one alone",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const key = { idempotencyKey: "order-17" };
      const first = createOf("a", { epoch: 1, owner: "o", ...key });
      yield* commitAll(store, first, releaseOf("a", 1, { entries: [naming(2, { x })] }));
      const [, result] = yield* store.commit([nameOf("again", x), createOf("again", key)]);
      yield* expectEqual("second", result, { type: "Duplicate", jobId: "a" });
      yield* commitAll(store, eraseOf("a", 2));
      yield* expectEqual("free", yield* freeIn(store, x), [x]);
      yield* expectEqual("left", yield* leftIn(store), [x]);
    }),
  },
  {
    name: "what an erased job and one that never came have named is left behind until the latter's name is dropped",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* named(store, "a", naming(2, { x }));
      yield* commitAll(store, nameOf("ghost", x), eraseOf("a", 2));
      yield* expectEqual("free", yield* freeIn(store, x), []);
      yield* expectEqual("left", yield* leftIn(store), [x]);
      // Whoever looks finds it named, and that by nobody who is there.
      const gone = { type: "TidyAssets", gone: [x] } as const;
      yield* commitAll(store, { ...gone, earlyBefore: 0 });
      yield* expectEqual("left", yield* leftIn(store), [x]);
      yield* commitAll(store, { ...gone, gone: [], earlyBefore: startedAt + 1 });
      yield* expectEqual("free", yield* freeIn(store, x), [x]);
      yield* expectEqual("left", yield* leftIn(store), [x]);
      yield* commitAll(store, { ...gone, earlyBefore: 0 });
      yield* expectEqual("left", yield* leftIn(store), []);
    }),
  },
  {
    name: "an erased job names nothing any more",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* named(store, "a", stepEntry(2));
      yield* commitAll(store, eraseOf("a", 2));
      yield* expectResults(store, [nameOf("a", x)], ["Conflict over Job"]);
      yield* expectEqual("free", yield* freeIn(store, x), [x]);
    }),
  },
  {
    name: "what would be free if old jobs or raw answers were gone can be told before they are",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* named(store, "a", naming(2, { x }));
      yield* commitAll(store, nameOf("a", y, { isRaw: true }), ownedOf("b"));
      yield* commitAll(store, appendOf("b", 1, { entries: [naming(2, { z })] }));
      const asked = Effect.fnUntraced(function* (jobsBefore: number, rawBefore: number) {
        const free = yield* store.freeAssets({
          sha256s: [x, y, z],
          asIf: { jobsBefore, rawBefore },
        });
        return [...free].toSorted();
      });
      const never = Number.NEGATIVE_INFINITY;
      yield* expectEqual("neither", yield* asked(never, never), []);
      yield* expectEqual("raw", yield* asked(never, erasedAt), [y]);
      yield* expectEqual("jobs", yield* asked(erasedAt, never), [x, y]);
      yield* expectEqual("too young", yield* asked(startedAt, startedAt), []);
    }),
  },
];
