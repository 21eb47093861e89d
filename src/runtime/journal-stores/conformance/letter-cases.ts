/** Guarantees about dead letters: what opens and closes them, what they count, and how they are found. */
import { Effect, Option } from "effect";
import type { Entry, Fact } from "../../../machines/entry.ts";
import type { FailureData, Defect } from "../../../steps/failure.ts";
import type { LetterFilter } from "../../journal-dead-letters.ts";
import type { AppendEntries, StateRecord } from "../../journal-store.ts";
import { commitAll, expectEqual, expectResults, type CaseBody, type Store } from "./case.ts";
import { appendOf, createOf, eraseOf, messageOf, recordOf, startedAt } from "./samples.ts";

const timeout: FailureData = { _tag: "TimeoutFailure", timeoutMs: 60_000, awaited: "attempt" };
const defectOf = (message: string): Defect => ({ _tag: "Defect", message });

interface Death {
  readonly failure?: FailureData | Defect;
  readonly path?: string;
  readonly pipeline?: string;
  readonly at?: number;
}

const failedRecord = (jobId: string, part: Partial<StateRecord> = {}): StateRecord =>
  recordOf(jobId, { status: "failed", currentStep: "image", ...part });

/** The append by which a job comes to rest as failed. */
const dies = (
  jobId: string,
  afterSeq: number,
  { failure = timeout, path = "image", pipeline = "campaign", at = startedAt }: Death = {},
): AppendEntries => {
  const kind = failure._tag === "Defect" ? "defect" : "timeout";
  const entry: Entry = {
    type: "StepFailed",
    path,
    attempt: 1,
    kind,
    failure,
    seq: afterSeq + 1,
    at,
  };
  return appendOf(jobId, afterSeq, {
    entries: [entry],
    record: failedRecord(jobId, { pipeline, failureKind: kind }),
    isReleased: true,
  });
};

const owned = (jobId: string, tenant: string | null = null, pipeline = "campaign") =>
  createOf(jobId, { epoch: 1, owner: "o", tenant, record: recordOf(jobId, { pipeline }) });

const told = (id: string, jobId: string, ...facts: ReadonlyArray<Fact>) =>
  ({ type: "PostInbox", row: { ...messageOf(id, jobId), facts } }) as const;

const retry: Fact = { type: "RetryRequested", by: "a person", isFresh: false };

const openIds = (store: Store, filter: LetterFilter = {}) =>
  Effect.map(store.letters(filter, { limit: 9 }), (letters) => letters.map(({ id }) => id));

export const letterCases: ReadonlyArray<CaseBody> = [
  {
    name: "the append that leaves a job failed opens its letter",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a", "acme"), owned("b"));
      yield* commitAll(store, dies("a", 1, { at: startedAt + 7 }), appendOf("b", 1));
      const [letter, ...others] = yield* store.letters({}, { limit: 9 });
      yield* expectEqual("letter", letter === undefined ? null : { ...letter, cause: "" }, {
        id: "a",
        source: "job",
        jobId: "a",
        tenant: "acme",
        pipeline: "campaign",
        step: "image",
        kind: "timeout",
        cause: "",
        message: "A step took too long.",
        reason: "The attempt took longer than 60000 ms",
        deaths: 1,
        firstAt: startedAt + 7,
        diedAt: startedAt + 7,
      });
      yield* expectEqual("others", others, []);
      yield* expectEqual("by id", yield* store.letter("a"), Option.some(letter));
      yield* expectEqual("of a job that lives", yield* store.letter("b"), Option.none());
    }),
  },
  {
    name: "a fenced append opens no letter",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a"));
      yield* expectResults(store, [{ ...dies("a", 1), epoch: 2 }], ["Conflict over Job"]);
      yield* expectEqual("letters", yield* openIds(store), []);
    }),
  },
  {
    name: "the word that goes on with the job closes its letter at once, and another word does not",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a"), owned("b"), owned("c"));
      yield* commitAll(store, dies("a", 1), dies("b", 1), dies("c", 1));
      yield* commitAll(
        store,
        told("m1", "a", retry),
        told("m2", "b", { type: "CancelRequested", by: "a person" }),
        told("m3", "c", { type: "PauseRequested", by: "a person" }),
      );
      yield* expectEqual("letters", yield* openIds(store), ["c"]);
      yield* expectEqual("count", yield* store.letterCount({}), 1);
    }),
  },
  {
    name: "an append that goes on closes the letter, and the next death opens it again and counts",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a"), owned("b"));
      yield* commitAll(store, dies("a", 1, { at: 10 }), dies("b", 1, { at: 11 }));
      const resumed = { entries: [{ ...retry, seq: 3, at: 20 }], isReleased: false };
      yield* commitAll(store, appendOf("a", 2, resumed));
      yield* expectEqual("closed", yield* openIds(store), ["b"]);
      yield* commitAll(store, dies("a", 3, { at: 30 }));
      yield* expectEqual("newest first", yield* openIds(store), ["a", "b"]);
      const counted = (part: object) =>
        Effect.flatMap(store.letter("a"), (found) => {
          const { deaths, firstAt, diedAt } = Option.getOrThrow(found);
          return expectEqual("counted", { deaths, firstAt, diedAt }, part);
        });
      yield* counted({ deaths: 2, firstAt: 10, diedAt: 30 });
      const other = { entries: [{ ...retry, seq: 5, at: 40 }], isReleased: false };
      yield* commitAll(store, appendOf("a", 4, other));
      yield* commitAll(store, dies("a", 5, { failure: defectOf("a bug"), at: 50 }));
      yield* counted({ deaths: 3, firstAt: 50, diedAt: 50 });
    }),
  },
  {
    name: "a discarded letter is closed, once, and its job stays as it is",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a"));
      yield* commitAll(store, dies("a", 1));
      const discard = { type: "DiscardLetter", id: "a", at: startedAt } as const;
      yield* expectResults(
        store,
        [discard, discard, { ...discard, id: "z" }],
        ["Committed", "Conflict over Letter", "Conflict over Letter"],
      );
      yield* expectEqual("letters", yield* openIds(store), []);
      const job = Option.getOrThrow(yield* store.job("a"));
      yield* expectEqual("status", job.record.status, "failed");
    }),
  },
  {
    name: "a notification that is given up has a letter until it is due again, or its job is erased",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a", "acme"), owned("b"));
      const sent = (id: string, jobId: string | null) => ({
        id,
        subscription: "orders",
        at: 5,
        data: null,
        owner: "o",
        type: "job.complete" as const,
        job: jobId === null ? null : { jobId, seq: 1, costMicros: 0 },
      });
      const notifications = [sent("n1", "a"), sent("n2", null)] as const;
      yield* commitAll(store, { type: "PostNotifications", notifications: [...notifications] });
      const due = { state: "due", attempts: 0, owner: "o" } as const;
      const givenUp = { state: "undeliverable", attempts: 1, owner: "o" } as const;
      const change = (id: string, from: typeof due | typeof givenUp, to: typeof from) => ({
        ...({ type: "ChangeNotification", id, from } as const),
        to: { ...to, nextAt: 5, lastError: "no such host", updatedAt: startedAt },
      });
      yield* commitAll(store, change("n1", due, givenUp), change("n2", due, givenUp));
      const [second, first] = yield* store.letters({}, { limit: 9 });
      yield* expectEqual("letter", first === undefined ? null : { ...first, cause: "" }, {
        id: "n1",
        source: "notification",
        jobId: "a",
        tenant: "acme",
        pipeline: "campaign",
        step: "orders",
        kind: "undeliverable",
        cause: "",
        message: "A notification could not be delivered.",
        reason: "job.complete to orders: no such host",
        deaths: 1,
        firstAt: startedAt,
        diedAt: startedAt,
      });
      const { jobId = "", tenant = "", pipeline = "" } = second ?? {};
      yield* expectEqual(
        "of no job",
        { jobId, tenant, pipeline },
        {
          jobId: null,
          tenant: null,
          pipeline: null,
        },
      );
      yield* expectEqual("of jobs", yield* openIds(store, { source: "job" }), []);
      yield* commitAll(store, change("n2", givenUp, due));
      yield* expectEqual("due again", yield* openIds(store), ["n1"]);
      yield* commitAll(store, dies("a", 1));
      yield* commitAll(store, eraseOf("a", 2));
      yield* expectEqual("erased", yield* openIds(store), []);
    }),
  },
  {
    name: "an erased job has no letter",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a"));
      yield* commitAll(store, dies("a", 1));
      yield* commitAll(store, eraseOf("a", 2));
      yield* expectEqual("letters", yield* openIds(store), []);
    }),
  },
  {
    name: "letters are found by tenant, pipeline, step, kind, cause, time and place",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, owned("a", "acme"), owned("b", "acme"), owned("c", null, "other"));
      yield* commitAll(
        store,
        dies("a", 1, { at: 10 }),
        dies("b", 1, { failure: defectOf("a bug"), path: "check", at: 20 }),
        dies("c", 1, { pipeline: "other", at: 30 }),
      );
      const expectFound = (filter: LetterFilter, ids: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const said = JSON.stringify(filter);
          yield* expectEqual(said, yield* openIds(store, filter), ids);
          yield* expectEqual(`count of ${said}`, yield* store.letterCount(filter), ids.length);
        });
      yield* expectFound({}, ["c", "b", "a"]);
      yield* expectFound({ tenant: "acme" }, ["b", "a"]);
      yield* expectFound({ pipeline: "other" }, ["c"]);
      yield* expectFound({ step: "check" }, ["b"]);
      yield* expectFound({ kind: "timeout" }, ["c", "a"]);
      yield* expectFound({ source: "notification" }, []);
      yield* expectFound({ diedFrom: 20, diedBefore: 30 }, ["b"]);
      yield* expectFound({ id: "a", tenant: "acme" }, ["a"]);
      yield* expectFound({ id: "a", tenant: "other" }, []);
      const { cause } = Option.getOrThrow(yield* store.letter("c"));
      yield* expectFound({ cause }, ["c"]);
      const second = yield* store.letters({}, { olderThan: "c", limit: 1 });
      yield* expectEqual(
        "second page",
        second.map(({ id }) => id),
        ["b"],
      );
      yield* expectEqual(
        "after the last",
        yield* store.letters({}, { olderThan: "a", limit: 1 }),
        [],
      );
      yield* expectEqual("after none", yield* store.letters({}, { olderThan: "z", limit: 1 }), []);
      yield* commitAll(store, { type: "DiscardLetter", id: "b", at: 40 });
      const third = yield* store.letters({}, { olderThan: "b", limit: 9 });
      yield* expectEqual(
        "after a closed one",
        third.map(({ id }) => id),
        ["a"],
      );
    }),
  },
  {
    name: "causes are counted, most letters first; numbers and names do not make two of one",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const ids = ["a", "b", "c", "d", "e"];
      yield* commitAll(store, ...ids.map((id) => owned(id, id === "e" ? "acme" : null)));
      yield* commitAll(store, dies("a", 1, { failure: defectOf("another bug"), at: 5 }));
      const bug = (at: number) => ({
        failure: defectOf(`no field "x${at}" in order-${at}0000`),
        at,
      });
      for (const [index, id] of ["b", "c", "d", "e"].entries())
        yield* commitAll(store, dies(id, 1, bug(10 + index)));
      const [first, second, ...others] = yield* store.letterCauses({}, 9);
      const shown = { source: "job", pipeline: "campaign", step: "image", kind: "defect" };
      yield* expectEqual("first", first === undefined ? null : { ...first, cause: "" }, {
        ...shown,
        cause: "",
        message: "step failed",
        reason: 'no field "x13" in order-130000',
        letters: 4,
        deaths: 4,
        firstAt: 10,
        lastAt: 13,
        examples: ["e", "d", "c"],
      });
      yield* expectEqual("second", second?.examples, ["a"]);
      yield* expectEqual("others", others, []);
      yield* expectEqual("limit", (yield* store.letterCauses({}, 1)).length, 1);
      const own = yield* store.letterCauses({ tenant: "acme" }, 9);
      yield* expectEqual(
        "of a tenant",
        own.map(({ letters, examples }) => ({ letters, examples })),
        [{ letters: 1, examples: ["e"] }],
      );
    }),
  },
];
