/** Guarantees about content that leaves: what goes, what stays, and when nothing may. */
import { Effect, Option } from "effect";
import type { Entry } from "../../../machines/entry.ts";
import type { JobContent } from "../../journal-retention.ts";
import type { LedgerChange, PredictionRow } from "../../journal-store.ts";
import { commitAll, expectEqual, expectResults, type CaseBody, type Store } from "./case.ts";
import {
  appendOf,
  createOf,
  erasedAt,
  eraseOf,
  eraseRawOf,
  messageOf,
  ownedOf,
  predictionOf,
  recordOf,
  releaseOf,
  settledEntry,
  settlementOf,
  startedAt,
} from "./samples.ts";

const intend = (key: string, jobId: string): LedgerChange => ({
  type: "intend",
  row: predictionOf(key, jobId),
});

const accept = (key: string): LedgerChange => ({
  type: "accept",
  key,
  predictionId: `id of ${key}`,
});

/** A job that is complete at seq 4, with a settled prediction, its message read, and nothing open. */
const completeJob = (store: Store, jobId: string, key: string) =>
  completeJobOf(store, { jobId, key, tenant: null });

interface Completed {
  readonly jobId: string;
  readonly key: string;
  readonly tenant: string | null;
}

const completeJobOf = Effect.fnUntraced(function* (
  store: Store,
  { jobId, key, tenant }: Completed,
) {
  yield* commitAll(
    store,
    createOf(jobId, { epoch: 1, owner: "o", idempotencyKey: `order of ${jobId}`, tenant }),
    appendOf(jobId, 1, { ledger: [intend(key, jobId)] }),
    appendOf(jobId, 2, { ledger: [accept(key)], entries: [{ ...settledEntry(3), key }] }),
  );
  yield* commitAll(store, settlementOf(key, jobId));
  yield* commitAll(store, releaseOf(jobId, 3, { consumed: [`settled ${key}`] }));
});

const raw: PredictionRow["raw"] = { erasedAt };

const idsIn = (contents: ReadonlyArray<JobContent>) => contents.map(({ jobId }) => jobId);

export const erasingCases: ReadonlyArray<CaseBody> = [
  {
    name: "an erased job leaves its status, cost and receipts, and nothing of its content",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* completeJob(store, "a", "k1");
      const before = Option.getOrThrow(yield* store.job("a"));
      const [row] = yield* store.predictions("a");
      yield* commitAll(store, eraseOf("a", 4));
      const record = recordOf("a", {
        ...before.record,
        inputPayload: { erasedAt },
        normalizedOutput: null,
        rawReference: null,
        erasedAt,
      });
      const tombstone = { ...before, record, idempotencyKey: null, epoch: 2 };
      yield* expectEqual("tombstone", yield* store.job("a"), Option.some(tombstone));
      yield* expectEqual("entries", yield* store.entries("a"), []);
      yield* expectEqual("ledger", yield* store.predictions("a"), [{ ...row, inputHash: "", raw }]);
      yield* expectResults(store, [createOf("b", { idempotencyKey: "order of a" })], ["Committed"]);
    }),
  },
  {
    name: "a job that runs, is owned, has an unread message or an open prediction is not erased",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, createOf("pending"), ownedOf("running"), ownedOf("told"));
      yield* commitAll(store, releaseOf("told", 1), {
        type: "PostInbox",
        row: messageOf("m", "told"),
      });
      yield* commitAll(
        store,
        ownedOf("open"),
        releaseOf("open", 1, { ledger: [intend("k1", "open")] }),
      );
      yield* commitAll(
        store,
        ownedOf("claimed"),
        releaseOf("claimed", 1),
        appendOf("claimed", 2, { entries: [], claim: { owner: "p", epoch: 2 } }),
      );
      yield* expectResults(
        store,
        [
          eraseOf("pending", 1),
          eraseOf("running", 1),
          eraseOf("told", 2),
          eraseOf("open", 2),
          eraseOf("claimed", 2),
          eraseOf("nobody", 1),
          eraseRawOf("told", 2),
          eraseRawOf("open", 2),
        ],
        Array.from({ length: 8 }, () => "Conflict over Job"),
      );
      yield* expectEqual("entries", (yield* store.entries("told")).length, 2);
      yield* expectEqual("content", yield* store.content("open"), Option.none());
      yield* expectEqual(
        "rested",
        yield* store.rested({ before: erasedAt, hasRaw: false, after: null, limit: 9 }),
        [],
      );
    }),
  },
  {
    name: "a job that has gone on since it was looked at is left alone, and erased once",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* completeJob(store, "a", "k1");
      yield* expectResults(
        store,
        [eraseOf("a", 3), eraseOf("a", 4), eraseOf("a", 4), eraseRawOf("a", 4)],
        ["Conflict over Job", "Committed", "Conflict over Job", "Conflict over Job"],
      );
    }),
  },
  {
    name: "nobody appends to an erased job, claims it, or leaves it a message",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* completeJob(store, "a", "k1");
      yield* commitAll(store, eraseOf("a", 4));
      yield* expectResults(
        store,
        [
          appendOf("a", 4),
          appendOf("a", 4, { claim: { owner: "p", epoch: 2 } }),
          { type: "PostInbox", row: messageOf("m", "a") },
        ],
        ["Conflict over Job", "Conflict over Job", "Conflict over Job"],
      );
      yield* expectEqual("inbox", yield* store.inbox("a"), []);
    }),
  },
  {
    name: "raw answers go from entries, ledger and record, and everything else stays",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* completeJob(store, "a", "k1");
      const before = Option.getOrThrow(yield* store.job("a"));
      const entries = yield* store.entries("a");
      const [row] = yield* store.predictions("a");
      yield* commitAll(store, eraseRawOf("a", 4));
      const emptied = entries.map(
        (entry): Entry => ("raw" in entry ? { ...entry, raw: { erasedAt } } : entry),
      );
      const record = recordOf("a", { ...before.record, rawReference: { erasedAt } });
      yield* expectEqual("job", yield* store.job("a"), Option.some({ ...before, record }));
      yield* expectEqual("entries", yield* store.entries("a"), emptied);
      yield* expectEqual("ledger", yield* store.predictions("a"), [{ ...row, raw }]);
      const again = { before: erasedAt, hasRaw: true, after: null, limit: 9 };
      yield* expectEqual("looked at again", yield* store.rested(again), []);
    }),
  },
  {
    name: "a double that comes after its job was erased is booked without what was asked or answered",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* completeJob(store, "a", "k1");
      yield* commitAll(store, eraseOf("a", 4));
      const part = { state: "duplicate", predictionId: "p" } as const;
      const row = predictionOf("k1#p", "a", part);
      yield* commitAll(store, { type: "AddDuplicate", row });
      const { change } = settlementOf("k1#p", "a");
      yield* commitAll(store, {
        type: "ChangePrediction",
        key: row.key,
        from: ["duplicate"],
        change,
        inbox: null,
      });
      const booked = predictionOf("k1#p", "a", { ...part, ...change, inputHash: "", raw });
      yield* expectEqual("double", yield* store.prediction(row.key), Option.some(booked));
    }),
  },
  {
    name: "jobs at rest come in the order of their rest, page by page, with what they hold",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const restAt = (jobId: string, updatedAt: number) =>
        releaseOf(jobId, 1, { record: recordOf(jobId, { status: "failed", updatedAt }) });
      yield* commitAll(store, ownedOf("c"), ownedOf("a"), ownedOf("b"), ownedOf("d"));
      yield* commitAll(store, restAt("c", 20), restAt("a", 10), restAt("b", 20), restAt("d", 30));
      const query = { before: 30, hasRaw: false, after: null, limit: 2 };
      const first = yield* store.rested(query);
      yield* expectEqual("first page", idsIn(first), ["a", "b"]);
      yield* expectEqual(
        "restedAt",
        first.map(({ restedAt }) => restedAt),
        [10, 20],
      );
      yield* expectEqual(
        "seq",
        first.map(({ seq }) => seq),
        [2, 2],
      );
      yield* expectEqual(
        "bytes",
        first.every(({ bytes }) => bytes > 100),
        true,
      );
      const after = first.at(-1) ?? null;
      yield* expectEqual("second", idsIn(yield* store.rested({ ...query, after })), ["c"]);
      yield* completeJob(store, "e", "k1");
      const content = Option.getOrThrow(yield* store.content("e"));
      yield* expectEqual("raw answers", content.rawAnswers, 1);
      yield* expectEqual("their bytes", content.rawBytes > 10, true);
    }),
  },
  {
    name: "the newest success of an equal call of another job may be used again, while it is there",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* completeJob(store, "a", "k1");
      yield* completeJob(store, "b", "k2");
      const { provider, model, inputHash } = predictionOf("k1", "a");
      const query = { provider, model, inputHash, since: startedAt, notOf: "c" };
      const keyOf = (part: Partial<typeof query>) =>
        Effect.map(store.reusable({ ...query, ...part }), (row) =>
          Option.getOrUndefined(Option.map(row, ({ key }) => key)),
        );
      yield* expectEqual("newest", yield* keyOf({}), "k2");
      yield* expectEqual("of another job", yield* keyOf({ notOf: "b" }), "k1");
      yield* expectEqual("too old", yield* keyOf({ since: startedAt + 71 }), undefined);
      yield* expectEqual("other model", yield* keyOf({ model: "meta/other" }), undefined);
      yield* expectEqual("other provider", yield* keyOf({ provider: "openai" }), undefined);
      yield* expectEqual("other input", yield* keyOf({ inputHash: "c" }), undefined);
      yield* commitAll(store, eraseRawOf("b", 4));
      yield* expectEqual("without the answer", yield* keyOf({}), "k1");
      yield* commitAll(store, eraseOf("a", 4));
      yield* expectEqual("erased", yield* keyOf({}), undefined);
    }),
  },
  {
    name: "an answer is found for its tenant, for jobs of none, or whosever it is, as asked",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* completeJobOf(store, { jobId: "a", key: "k1", tenant: "acme" });
      yield* completeJobOf(store, { jobId: "b", key: "k2", tenant: "brook" });
      yield* completeJob(store, "n", "k3");
      const { provider, model, inputHash } = predictionOf("k1", "a");
      const query = { provider, model, inputHash, since: startedAt };
      const keyFor = (part: { readonly tenant?: string | null; readonly notOf?: string }) =>
        Effect.map(store.reusable({ notOf: "x", ...query, ...part }), (row) =>
          Option.getOrUndefined(Option.map(row, ({ key }) => key)),
        );
      yield* expectEqual("acme's", yield* keyFor({ tenant: "acme" }), "k1");
      yield* expectEqual("brook's", yield* keyFor({ tenant: "brook" }), "k2");
      yield* expectEqual("nobody's", yield* keyFor({ tenant: null }), "k3");
      yield* expectEqual("crane's", yield* keyFor({ tenant: "crane" }), undefined);
      yield* expectEqual("its own", yield* keyFor({ tenant: "acme", notOf: "a" }), undefined);
      yield* expectEqual("anybody's", yield* keyFor({}), "k3");
      yield* commitAll(store, eraseOf("n", 4));
      yield* expectEqual("after the newest", yield* keyFor({}), "k2");
    }),
  },
  {
    name: "what was erased can be scrubbed from the files at any time",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* store.scrub;
      yield* completeJob(store, "a", "k1");
      yield* commitAll(store, eraseOf("a", 4));
      yield* store.scrub;
      yield* expectEqual("job", Option.isSome(yield* store.job("a")), true);
    }),
  },
];
