/** Guarantees about which tenant holds which file. */
import { Effect } from "effect";
import type { NamedAsset } from "../../journal-retention.ts";
import { commitAll, expectEqual, expectResults, type CaseBody, type Store } from "./case.ts";
import { createOf, eraseOf, ownedOf, releaseOf, startedAt, stepEntry } from "./samples.ts";

const [x, y, z] = ["1".repeat(64), "2".repeat(64), "3".repeat(64)];

const uploadOf = (sha256: string, tenant: string, at = startedAt) =>
  ({ type: "RecordUpload", sha256, tenant, at }) as const;

const nameOf = (jobId: string, sha256: string, part: Partial<NamedAsset> = {}) =>
  ({
    type: "NameAssets",
    jobId,
    names: [{ sha256, isRaw: false, isPayload: false, ...part }],
    at: startedAt,
  }) as const;

const heldIn = (store: Store, tenant: string, isUpload = false) =>
  Effect.map(store.heldAssets({ tenant, sha256s: [x, y, z], isUpload }), (held) =>
    [...held].toSorted(),
  );

export const holdingCases: ReadonlyArray<CaseBody> = [
  {
    name: "a tenant holds what it uploaded, and the same bytes may be several tenants'",
    run: Effect.fnUntraced(function* ({ open }) {
      const [store, other] = [yield* open, yield* open];
      yield* commitAll(store, uploadOf(x, "acme"), uploadOf(x, "brook"), uploadOf(y, "brook"));
      yield* expectEqual("acme", yield* heldIn(other, "acme"), [x]);
      yield* expectEqual("brook", yield* heldIn(other, "brook"), [x, y]);
      yield* expectEqual("brook's uploads", yield* heldIn(other, "brook", true), [x, y]);
      yield* expectEqual("nobody's", yield* heldIn(other, "crane"), []);
      yield* expectEqual(
        "of none asked for",
        (yield* store.heldAssets({ tenant: "acme", sha256s: [], isUpload: false })).size,
        0,
      );
    }),
  },
  {
    name: "a tenant holds what a job of its was given or made, and not what the job only names",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const naming = { ...stepEntry(2), output: { json: { text: z } } };
      yield* commitAll(
        store,
        createOf("a", { tenant: "acme", epoch: 1, owner: "o" }),
        createOf("b"),
        nameOf("a", x, { isOwn: true }),
        nameOf("a", y),
        nameOf("b", z, { isOwn: true }),
        releaseOf("a", 1, { entries: [naming] }),
      );
      yield* expectEqual("acme", yield* heldIn(store, "acme"), [x]);
      yield* expectEqual("uploads", yield* heldIn(store, "acme", true), []);
      yield* commitAll(store, uploadOf(x, "acme"), nameOf("a", x, { isOwn: true }));
      yield* expectEqual("uploads", yield* heldIn(store, "acme", true), [x]);
      yield* commitAll(store, eraseOf("a", 2));
      yield* expectEqual("after the job", yield* heldIn(store, "acme"), [x]);
      yield* expectResults(store, [nameOf("a", y, { isOwn: true })], ["Conflict over Job"]);
      yield* expectEqual("of an erased job", yield* heldIn(store, "acme"), [x]);
    }),
  },
  {
    name: "what was taken away is held by nobody but who uploaded it again since",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), uploadOf(x, "acme"), uploadOf(x, "brook"));
      yield* commitAll(store, uploadOf(y, "acme"), uploadOf(x, "brook", startedAt + 5));
      // An older clock makes nothing older.
      yield* commitAll(store, uploadOf(x, "brook", startedAt - 5));
      const forget = { type: "ForgetHolders", sha256s: [x, z], before: startedAt + 5 } as const;
      yield* commitAll(store, forget);
      yield* expectEqual("acme", yield* heldIn(store, "acme"), [y]);
      yield* expectEqual("brook", yield* heldIn(store, "brook"), [x]);
    }),
  },
];
