/**
 * Group commit: what waits goes together, one writer's conflict is nobody else's, and a store in trouble
 * holds those that may wait, refuses those that may not, and loses and doubles nothing.
 */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit, Fiber, Scope } from "effect";
import { TestClock } from "effect/testing";
import { type GroupCommit, makeGroupCommit } from "../../src/runtime/group-commit.ts";
import type { JournalStore, PostInbox, Write } from "../../src/runtime/journal-store.ts";
import { StoreFailure } from "../../src/runtime/journal-store.ts";
import {
  appendOf,
  createOf,
  messageOf,
} from "../../src/runtime/journal-stores/conformance/samples.ts";
import { MemoryJournals, MemoryJournalStore } from "../../src/runtime/journal-stores/memory.ts";
import { makeGate } from "./support/gated-store.ts";
import { turns } from "./support/jobs-harness.ts";

type Store = JournalStore["Service"];

const full = new StoreFailure({
  operation: "commit",
  reason: "Full",
  cause: new Error("planned by the test"),
});

/** Fails the commits for which the plan says how: before they are applied, or after. */
const failing = (store: Store, plan: () => "before" | "after" | "no"): Store => ({
  ...store,
  commit: (writes) =>
    Effect.suspend(() => {
      const when = plan();
      if (when === "before") return Effect.fail(full);
      const committed = store.commit(writes);
      return when === "after" ? Effect.andThen(committed, Effect.fail(full)) : committed;
    }),
});

const owned = (id: string) => createOf(id, { epoch: 1, owner: "o" });

/** Commits all at once, in this order. */
const together = (committer: GroupCommit, writes: ReadonlyArray<Write>) =>
  Effect.forEach(writes, (write) => committer.commit(write), { concurrency: "unbounded" });

const ids = (count: number) => Array.from({ length: count }, (_, index) => `job-${index}`);

/** These writers stay until they are answered. */
const nobody = () => undefined;

describe("group commit", () => {
  it.effect("puts what waits into one transaction, over all jobs", () =>
    Effect.gen(function* () {
      const gate = makeGate();
      const committer = yield* makeGroupCommit(gate.wrap(MemoryJournalStore.make()));
      const results = yield* together(committer, ids(40).map(owned));
      expect(results.every(({ type }) => type === "Committed")).toBe(true);
      expect(gate.commits.map(({ writes }) => writes.length)).toEqual([40]);
    }),
  );

  it.effect("collects what comes while the store is slow, and bounds a group at 512", () =>
    Effect.gen(function* () {
      const gate = makeGate();
      const committer = yield* makeGroupCommit(gate.wrap(MemoryJournalStore.make()));
      gate.hold(() => true);
      const first = yield* Effect.forkChild(committer.commit(owned("first")));
      yield* turns;
      const rest = yield* Effect.forkChild(together(committer, ids(1_300).map(owned)));
      yield* turns;
      expect(gate.commits).toHaveLength(1);
      gate.open();
      yield* Fiber.join(first);
      expect(yield* Fiber.join(rest)).toHaveLength(1_300);
      expect(gate.commits.map(({ writes }) => writes.length)).toEqual([1, 512, 512, 276]);
    }),
  );

  it.effect("has one transaction under way at a time, however the store takes its time", () =>
    Effect.gen(function* () {
      const store = MemoryJournalStore.make();
      const groups: Array<number> = [];
      let underWay = 0;
      let most = 0;
      const slow: Store = {
        ...store,
        commit: (writes) =>
          Effect.gen(function* () {
            groups.push(writes.length);
            underWay += 1;
            most = Math.max(most, underWay);
            yield* turns;
            underWay -= 1;
            return yield* store.commit(writes);
          }),
      };
      const committer = yield* makeGroupCommit(slow);
      yield* committer.commit(owned("first"));
      // Half of these go out at first, since the store commits beside us.
      expect(yield* together(committer, ids(40).map(owned))).toHaveLength(40);
      expect(groups).toEqual([1, 20, 20]);
      expect(most).toBe(1);
    }),
  );

  it.effect("tells a conflict to its writer and to nobody else", () =>
    Effect.gen(function* () {
      const committer = yield* makeGroupCommit(MemoryJournalStore.make());
      yield* together(committer, [owned("a"), owned("b")]);
      const stale = appendOf("a", 7);
      const results = yield* together(committer, [appendOf("b", 1), stale, owned("c")]);
      expect(results).toEqual([
        { type: "Committed" },
        { type: "Conflict", over: "Job" },
        { type: "Committed" },
      ]);
    }),
  );

  it.effect("gives a write that cannot be to its writers as a bug, and goes on", () =>
    Effect.gen(function* () {
      const committer = yield* makeGroupCommit(MemoryJournalStore.make());
      yield* committer.commit(owned("a"));
      const hole = appendOf("a", 1);
      const broken = { ...hole, entries: hole.entries.map((entry) => ({ ...entry, seq: 9 })) };
      expect(Exit.hasDies(yield* Effect.exit(committer.commit(broken)))).toBe(true);
      expect(committer.trouble()).toBeNull();
      expect(yield* committer.commit(hole)).toEqual({ type: "Committed" });
    }),
  );

  it.effect("does not let a write that cannot be take those with it that go along", () =>
    Effect.gen(function* () {
      const committer = yield* makeGroupCommit(MemoryJournalStore.make());
      yield* together(committer, [owned("a"), owned("b")]);
      const hole = appendOf("a", 1);
      const broken = { ...hole, entries: hole.entries.map((entry) => ({ ...entry, seq: 9 })) };
      const exits = yield* Effect.forEach(
        [appendOf("b", 1), broken, appendOf("b", 2), owned("c")],
        (write) => Effect.exit(committer.commit(write)),
        { concurrency: "unbounded" },
      );
      expect(exits.map((exit) => (Exit.isSuccess(exit) ? exit.value.type : "died"))).toEqual([
        "Committed",
        "died",
        "Committed",
        "Committed",
      ]);
    }),
  );

  describe("over a store in trouble", () => {
    it.effect("holds who may wait, in order, and refuses who may not, at once", () =>
      Effect.gen(function* () {
        let isFull = true;
        const journals = new MemoryJournals();
        const store = failing(MemoryJournalStore.make(journals), () => (isFull ? "before" : "no"));
        const committer = yield* makeGroupCommit(store);
        const held = yield* Effect.forkChild(
          together(committer, [owned("a"), appendOf("a", 1), appendOf("a", 2)]),
        );
        const refused = yield* Effect.forkChild(
          Effect.flip(committer.tryCommit(owned("b"), nobody)),
        );
        expect(yield* Fiber.join(refused)).toBe(full);
        expect(committer.trouble()).toEqual({ failure: full, since: 0 });
        // No look at the store is needed to say no while it is known to be in trouble.
        expect(yield* Effect.flip(committer.tryCommit(owned("c"), nobody))).toBe(full);
        yield* TestClock.adjust("1 minute");
        expect(held.pollUnsafe()).toBeUndefined();
        expect(committer.trouble()?.since).toBe(0);
        isFull = false;
        yield* TestClock.adjust("5 seconds");
        const results = yield* Fiber.join(held);
        expect(results.map(({ type }) => type)).toEqual(["Committed", "Committed", "Committed"]);
        expect(committer.trouble()).toBeNull();
        expect([...journals.files.keys()]).toEqual(["a"]);
        expect(journals.files.get("a")?.entries.map(({ seq }) => seq)).toEqual([1, 2, 3]);
      }),
    );

    it.effect("tries at growing distances, at most five seconds apart", () =>
      Effect.gen(function* () {
        let tries = 0;
        const store = failing(MemoryJournalStore.make(), () => {
          tries += 1;
          return "before";
        });
        const committer = yield* makeGroupCommit(store);
        yield* Effect.forkChild(committer.commit(owned("a")));
        yield* TestClock.adjust("1 minute");
        expect(tries).toBeGreaterThan(12);
        expect(tries).toBeLessThan(25);
      }),
    );

    it.effect("lets the next one that may not wait find out that the trouble is over", () =>
      Effect.gen(function* () {
        let isFull = true;
        const store = failing(MemoryJournalStore.make(), () => (isFull ? "before" : "no"));
        const committer = yield* makeGroupCommit(store);
        yield* Effect.flip(committer.tryCommit(owned("a"), nobody));
        expect(committer.trouble()?.failure).toBe(full);
        isFull = false;
        yield* TestClock.adjust("1 second");
        // With nobody waiting nobody would ever try: whoever asks for readiness is let through.
        expect(committer.trouble()).toBeNull();
        expect(yield* committer.tryCommit(owned("a"), nobody)).toEqual({ type: "Committed" });
        expect(committer.trouble()).toBeNull();
      }),
    );

    it.effect("does not take a write that was applied all the same for another's", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const plan: Array<"before" | "after" | "no"> = ["no", "after", "after", "before"];
        const store = failing(MemoryJournalStore.make(journals), () => plan.shift() ?? "no");
        const committer = yield* makeGroupCommit(store);
        yield* committer.commit(owned("a"));
        const message: PostInbox = { type: "PostInbox", row: messageOf("m1", "a") };
        const writes = [appendOf("a", 1), owned("b"), message];
        const held = yield* Effect.forkChild(together(committer, writes));
        yield* TestClock.adjust("10 seconds");
        expect((yield* Fiber.join(held)).map(({ type }) => type)).toEqual([
          "Committed",
          "Committed",
          "Committed",
        ]);
        expect(journals.files.get("a")?.entries).toHaveLength(2);
        expect(journals.files.get("a")?.inbox.size).toBe(1);
        expect(journals.files.size).toBe(2);
      }),
    );

    it.effect("still tells a repeated write of a conflict that is another's doing", () =>
      Effect.gen(function* () {
        const journals = new MemoryJournals();
        const plan: Array<"before" | "no"> = ["before"];
        const memory = MemoryJournalStore.make(journals);
        yield* memory.commit([owned("a")]);
        const committer = yield* makeGroupCommit(failing(memory, () => plan.shift() ?? "no"));
        const held = yield* Effect.forkChild(committer.commit(appendOf("a", 1)));
        yield* turns;
        const other = { owner: "other", epoch: 2 };
        yield* memory.commit([{ ...appendOf("a", 1), claim: other }]);
        yield* TestClock.adjust("1 second");
        expect(yield* Fiber.join(held)).toEqual({ type: "Conflict", over: "Job" });
      }),
    );

    it.effect("does not write for somebody who has gone", () =>
      Effect.gen(function* () {
        let isFull = true;
        const journals = new MemoryJournals();
        const store = failing(MemoryJournalStore.make(journals), () => (isFull ? "before" : "no"));
        const committer = yield* makeGroupCommit(store);
        const gone = yield* Effect.forkChild(committer.commit(owned("a")));
        const stays = yield* Effect.forkChild(committer.commit(owned("b")));
        yield* turns;
        yield* Fiber.interrupt(gone);
        isFull = false;
        yield* TestClock.adjust("1 second");
        yield* Fiber.join(stays);
        expect([...journals.files.keys()]).toEqual(["b"]);
      }),
    );
  });

  it.effect("refuses whoever comes after it was stopped, instead of keeping them waiting", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make();
      const committer = yield* Scope.provide(makeGroupCommit(MemoryJournalStore.make()), scope);
      yield* Scope.close(scope, Exit.void);
      const exit = yield* Effect.exit(committer.tryCommit(owned("a"), nobody));
      expect(String(exit)).toMatch(/was stopped/);
    }),
  );
});
