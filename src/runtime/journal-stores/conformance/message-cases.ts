/** Guarantees about messages and timers. */
import { Effect } from "effect";
import { commitAll, expectEqual, expectResults } from "./case.ts";
import type { CaseBody } from "./case.ts";
import { appendOf, createOf, messageOf, ownedOf, startedAt } from "./samples.ts";

export const messageCases: ReadonlyArray<CaseBody> = [
  {
    name: "a message is one message however often it is posted, also after it was consumed",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, ownedOf("a"), createOf("b"));
      const post = (id: string, jobId: string) => ({
        type: "PostInbox" as const,
        row: messageOf(id, jobId),
      });
      yield* expectResults(
        store,
        [post("m2", "a"), post("m1", "a"), post("m2", "a"), post("m3", "none"), post("m4", "b")],
        ["Committed", "Committed", "Conflict over Message", "Conflict over Job", "Committed"],
      );
      yield* expectEqual("inbox", yield* store.inbox("a"), [
        messageOf("m2", "a"),
        messageOf("m1", "a"),
      ]);
      yield* expectEqual("of the owner", yield* store.jobsWithInbox("o"), ["a"]);
      yield* expectEqual("of nobody", yield* store.jobsWithInbox(null), ["b"]);
      yield* commitAll(store, appendOf("a", 1, { consumed: ["m2", "m1"] }));
      yield* expectEqual("consumed inbox", yield* store.inbox("a"), []);
      yield* expectEqual("nothing left", yield* store.jobsWithInbox("o"), []);
      yield* expectResults(store, [post("m2", "a")], ["Conflict over Message"]);
    }),
  },
  {
    name: "a fenced append consumes nothing",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      yield* commitAll(store, createOf("a", { epoch: 2, owner: "o" }), {
        type: "PostInbox",
        row: messageOf("m", "a"),
      });
      yield* expectResults(store, [appendOf("a", 1, { consumed: ["m"] })], ["Conflict over Job"]);
      yield* expectEqual("inbox", (yield* store.inbox("a")).length, 1);
    }),
  },
  {
    name: "an append replaces all timers of its job",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const timer = (path: string, inMs: number) => ({
        path,
        wakeAt: startedAt + inMs,
        delayMs: inMs,
      });
      yield* commitAll(store, ownedOf("a"), ownedOf("b"));
      yield* commitAll(
        store,
        appendOf("a", 1, { timers: [timer("x", 50), timer("y", 10)] }),
        appendOf("b", 1, { timers: [timer("x", 20)] }),
      );
      yield* expectEqual("next first", yield* store.timersOf("o"), [
        { ...timer("y", 10), jobId: "a" },
        { ...timer("x", 20), jobId: "b" },
        { ...timer("x", 50), jobId: "a" },
      ]);
      yield* commitAll(store, appendOf("a", 2, { timers: [timer("z", 5)] }), appendOf("b", 2));
      yield* expectEqual("replaced", yield* store.timersOf("o"), [
        { ...timer("z", 5), jobId: "a" },
      ]);
      yield* commitAll(store, appendOf("a", 3, { timers: null }));
      yield* expectEqual("left alone", yield* store.timersOf("o"), [
        { ...timer("z", 5), jobId: "a" },
      ]);
      yield* expectEqual("of another", yield* store.timersOf("p"), []);
    }),
  },
];
