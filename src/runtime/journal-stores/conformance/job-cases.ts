/** Guarantees about jobs, their entries, and the queue. */
import { Effect, Option } from "effect";
import type { Schema } from "effect";
import { commitAll, expectEqual, expectResults, idsOf } from "./case.ts";
import type { CaseBody } from "./case.ts";
import type { JobFilter } from "../../journal-store.ts";
import {
  appendOf,
  createOf,
  fullRecordOf,
  jobOf,
  ownedOf,
  recordOf,
  settledEntry,
  startEntry,
  stepEntry,
  submittedOf,
} from "./samples.ts";

export const jobCases: ReadonlyArray<CaseBody> = [
  {
    name: "a created job is read back as it was written, with its entries",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const job = jobOf("a", {
        record: fullRecordOf("a"),
        idempotencyKey: "order-17",
        tenant: "acme",
      });
      yield* commitAll(store, { type: "CreateJob", job, entries: [submittedOf("a")] });
      yield* expectEqual("job", yield* store.job("a"), Option.some(job));
      yield* expectEqual("entries", yield* store.entries("a"), [submittedOf("a")]);
      yield* expectEqual("a job nobody made", yield* store.job("z"), Option.none());
      yield* expectEqual("its entries", yield* store.entries("z"), []);
    }),
  },
  {
    name: "an empty batch is committed and changes nothing",
    run: Effect.fnUntraced(function* ({ open }) {
      yield* expectResults(yield* open, [], []);
    }),
  },
  {
    name: "an append moves the row and adds its entries in order",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      const record = fullRecordOf("a", { output: stepEntry(5).output, raw: settledEntry(2).raw });
      yield* commitAll(
        store,
        appendOf("a", 1, { entries: [settledEntry(2), stepEntry(3), stepEntry(4)], record }),
        appendOf("a", 4, { record }),
        // Neither holds a value: those of the row stay.
        appendOf("a", 5, { entries: [startEntry(6)], record: { ...record, detail: "active" } }),
      );
      const after = { ...record, detail: "active" };
      yield* expectEqual(
        "job",
        yield* store.job("a"),
        Option.some(jobOf("a", { record: after, seq: 6, epoch: 1, owner: "o" })),
      );
      yield* expectEqual("entries", yield* store.entries("a"), [
        submittedOf("a"),
        settledEntry(2),
        stepEntry(3),
        stepEntry(4),
        stepEntry(5),
        startEntry(6),
      ]);
      yield* expectEqual("one entry", yield* store.entry("a", 3), Option.some(stepEntry(3)));
      yield* expectEqual("an entry that is not there", yield* store.entry("a", 9), Option.none());
    }),
  },
  {
    name: "an append with another epoch or seq is fenced and leaves nothing",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      const before = yield* store.job("a");
      const full = {
        ledger: [],
        timers: [{ path: "x", wakeAt: 1, delayMs: 1 }],
        record: fullRecordOf("a"),
      };
      const fenced = [
        appendOf("a", 1, { ...full, epoch: 2 }),
        appendOf("a", 2, full),
        appendOf("a", 0, { ...full, entries: [stepEntry(1)] }),
        appendOf("none", 0),
      ];
      yield* expectResults(
        store,
        fenced,
        fenced.map(() => "Conflict over Job"),
      );
      yield* expectEqual("job", yield* store.job("a"), before);
      yield* expectEqual("entries", yield* store.entries("a"), [submittedOf("a")]);
      yield* expectEqual("timers", yield* store.timersOf("o"), []);
    }),
  },
  {
    name: "a conflicting write leaves the others of its batch alone",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), ownedOf("b"));
      yield* expectResults(
        store,
        [appendOf("a", 1), appendOf("a", 1), appendOf("b", 1), createOf("c")],
        ["Committed", "Conflict over Job", "Committed", "Committed"],
      );
      yield* expectEqual("a", (yield* store.entries("a")).length, 2);
      yield* expectEqual("b", (yield* store.entries("b")).length, 2);
      yield* expectEqual("c", (yield* store.entries("c")).length, 1);
    }),
  },
  {
    name: "a job that was left to nobody waits for a place as long as its row says so",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("left"), createOf("new"));
      const leave = (detail: string, afterSeq: number, epoch: number) =>
        appendOf("left", afterSeq, {
          epoch,
          record: recordOf("left", { status: "processing", detail }),
          claim: { owner: null, epoch: epoch + 1 },
        });
      const waiting = Effect.map(store.pending(["campaign@1"], 10), idsOf);
      yield* commitAll(store, leave("queued", 1, 1));
      yield* expectEqual("queued", yield* waiting, ["left", "new"]);
      yield* expectEqual("owned", yield* store.jobsOf("o"), []);
      const oldest = Option.map(yield* store.oldestPending, ({ jobId }) => jobId);
      yield* expectEqual("the oldest new one", oldest, Option.some("new"));
      yield* commitAll(store, leave("paused", 2, 2));
      yield* expectEqual("paused", yield* waiting, ["new"]);
      yield* expectResults(store, [leave("queued", 3, 2)], ["Conflict over Job"]);
    }),
  },
  {
    name: "pending jobs nobody owns come oldest first, of the pipelines asked for",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const next = recordOf("d", { version: 2 });
      yield* commitAll(
        store,
        createOf("c"),
        createOf("a"),
        ownedOf("b"),
        createOf("d", { record: next }),
      );
      yield* commitAll(store, createOf("e"));
      yield* expectEqual("of version 1", idsOf(yield* store.pending(["campaign@1"], 10)), [
        "c",
        "a",
        "e",
      ]);
      yield* expectEqual("of both", idsOf(yield* store.pending(["campaign@2", "campaign@1"], 3)), [
        "c",
        "a",
        "d",
      ]);
      yield* expectEqual("of none", idsOf(yield* store.pending([], 3)), []);
      yield* commitAll(store, appendOf("c", 1, { epoch: 0, claim: { owner: "o", epoch: 1 } }));
      yield* expectEqual("after a claim", idsOf(yield* store.pending(["campaign@1"], 10)), [
        "a",
        "e",
      ]);
    }),
  },
  {
    name: "jobs are searched by tenant, failure kind, time, text and place",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const at = recordOf("a").createdAt;
      const named = (json: Schema.Json) => ({ json });
      const made = (jobId: string, tenant: string | null, part: Parameters<typeof recordOf>[1]) => {
        const record = recordOf(jobId, part);
        const entries = [{ ...submittedOf(jobId), input: record.inputPayload }];
        return { type: "CreateJob", job: jobOf(jobId, { tenant, record }), entries } as const;
      };
      yield* commitAll(
        store,
        made("a", "acme", { inputPayload: named({ product: "Trail Bottle 5%_" }) }),
        made("b", "acme", {
          createdAt: at + 5,
          failureKind: "policy",
          inputPayload: named("a TENT"),
        }),
        made("c", null, {
          createdAt: at + 9,
          inputPayload: { asset: "f".repeat(64), sizeBytes: 9 },
        }),
      );
      const expectFound = (filter: JobFilter, ids: ReadonlyArray<string>) =>
        Effect.flatMap(store.jobs(filter), (found) =>
          expectEqual(JSON.stringify(filter), idsOf(found), ids),
        );
      yield* expectFound({ tenant: "acme" }, ["b", "a"]);
      yield* expectFound({ tenant: "nobody" }, []);
      yield* expectFound({ failureKind: "policy" }, ["b"]);
      yield* expectFound({ createdFrom: at + 5, createdBefore: at + 9 }, ["b"]);
      yield* expectFound({ text: "bottle 5%_" }, ["a"]);
      yield* expectFound({ text: "tent", tenant: "acme" }, ["b"]);
      yield* expectFound({ text: "%" }, ["a"]);
      yield* expectFound({ olderThan: "c", limit: 1 }, ["b"]);
      yield* expectFound({ olderThan: "a" }, []);
      yield* expectFound({ olderThan: "z" }, []);
    }),
  },
  {
    name: "jobs are listed newest first, by status and pipeline, up to the limit",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(
        store,
        createOf("a"),
        createOf("b", { record: recordOf("b", { pipeline: "other" }) }),
        createOf("c", { epoch: 1 }),
      );
      yield* commitAll(store, appendOf("c", 1));
      yield* expectEqual("all", idsOf(yield* store.jobs({})), ["c", "b", "a"]);
      yield* expectEqual("two", idsOf(yield* store.jobs({ limit: 2 })), ["c", "b"]);
      yield* expectEqual("pending", idsOf(yield* store.jobs({ status: "pending" })), ["b", "a"]);
      yield* expectEqual(
        "pending of other",
        idsOf(yield* store.jobs({ status: "pending", pipeline: "other" })),
        ["b"],
      );
    }),
  },
  {
    name: "a batch whose entries leave a hole is refused as a bug and changes nothing",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      const exit = yield* Effect.exit(
        store.commit([createOf("b"), appendOf("a", 1, { entries: [stepEntry(3)] })]),
      );
      yield* expectEqual("exit", exit._tag, "Failure");
      yield* expectEqual("b", yield* store.job("b"), Option.none());
    }),
  },
  {
    name: "an entry that does not decode is Broken, by name",
    run: Effect.fnUntraced(function* ({ open, corruptEntry }) {
      if (corruptEntry === null) return;
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"));
      yield* corruptEntry("a", 1);
      const failures = yield* Effect.all([
        Effect.result(store.entries("a")),
        Effect.result(store.entry("a", 1)),
      ]);
      for (const failure of failures) {
        yield* expectEqual(
          "reason",
          failure._tag === "Failure" ? failure.failure.reason : "none",
          "Broken",
        );
      }
    }),
  },
];
