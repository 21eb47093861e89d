/** Guarantees about the outbox. */
import { Effect, Option } from "effect";
import type {
  ChangeNotification,
  NewNotification,
  NotificationRow,
  PostNotifications,
  Topic,
} from "../../journal-outbox.ts";
import { commitAll, expectEqual, expectResults, type CaseBody } from "./case.ts";
import { appendOf, createOf, eraseOf, ownedOf, releaseOf, startedAt } from "./samples.ts";

const notificationOf = (id: string, part: Partial<NewNotification> = {}): NewNotification => ({
  id,
  subscription: "orders",
  type: "job.complete",
  at: startedAt,
  job: null,
  data: null,
  owner: "o",
  ...part,
});

const ofJob = (id: string, jobId: string): NewNotification =>
  notificationOf(id, { job: { jobId, seq: 2, costMicros: 650 } });

const rowOf = (one: NewNotification): NotificationRow => ({
  ...one,
  state: "due",
  attempts: 0,
  nextAt: one.at,
  lastError: null,
  updatedAt: one.at,
});

const post = (...notifications: ReadonlyArray<NewNotification>): PostNotifications => ({
  type: "PostNotifications",
  notifications,
});

const changeOf = (
  row: NotificationRow,
  part: Partial<ChangeNotification["to"]>,
): ChangeNotification => {
  const { id, state, attempts, nextAt, lastError, owner, updatedAt } = row;
  const to = { state, attempts, nextAt, lastError, owner, updatedAt, ...part };
  return { type: "ChangeNotification", id, from: { state, attempts, owner }, to };
};

const idsOf = (rows: ReadonlyArray<NotificationRow>): ReadonlyArray<string> =>
  rows.map(({ id }) => id);

const conflict = "Conflict over Notification";

export const outboxCases: ReadonlyArray<CaseBody> = [
  {
    name: "what an append tells the outside is written with it, or not at all",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const [first, fenced] = [ofJob("n1", "a"), ofJob("n2", "a")];
      yield* commitAll(store, ownedOf("a"), appendOf("a", 1, { outbox: [first] }));
      yield* expectResults(store, [appendOf("a", 1, { outbox: [fenced] })], ["Conflict over Job"]);
      yield* expectEqual("all", yield* store.notifications({}), [rowOf(first)]);
      const none = yield* store.notification("n2");
      yield* expectEqual("of the fenced append", Option.isNone(none), true);
    }),
  },
  {
    name: "a notification is one however often it is posted, and keeps what it tells",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const one = notificationOf("n1", {
        type: "alert.raised",
        data: { "ünusual \u0000": [1, null, "'"] },
      });
      yield* commitAll(store, post(one), post({ ...one, data: "another" }, notificationOf("n2")));
      const found = Option.getOrNull(yield* store.notification("n1"));
      yield* expectEqual("the first", found, rowOf(one));
      yield* expectEqual("newest first", idsOf(yield* store.notifications({})), ["n2", "n1"]);
    }),
  },
  {
    name: "an owner's notifications that are due come next first, those of others never",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const [late, early] = [
        notificationOf("late", { at: startedAt + 5 }),
        notificationOf("early", { at: startedAt + 1 }),
      ];
      const others = [
        notificationOf("of p", { owner: "p" }),
        notificationOf("to alerts", { subscription: "alerts" }),
      ];
      yield* commitAll(store, post(late, early, ...others));
      const due = store.dueNotifications("o", "orders", 9);
      yield* expectEqual("due", idsOf(yield* due), ["early", "late"]);
      const first = yield* store.dueNotifications("o", "orders", 1);
      yield* expectEqual("no more than asked for", idsOf(first), ["early"]);
      yield* commitAll(store, changeOf(rowOf(early), { attempts: 1, nextAt: startedAt + 9 }));
      yield* expectEqual("after a try", idsOf(yield* due), ["late", "early"]);
      yield* commitAll(store, changeOf(rowOf(late), { state: "delivered" }));
      yield* expectEqual("after the delivery", idsOf(yield* due), ["early"]);
      const senders = yield* store.sendersTo(["orders", "none"]);
      yield* expectEqual("senders", new Set(senders), new Set(["o", "p"]));
    }),
  },
  {
    name: "of two that change a notification as they read it, one does",
    run: Effect.fnUntraced(function* ({ open }) {
      const [store, other] = [yield* open, yield* open];
      const row = rowOf(notificationOf("n1"));
      yield* commitAll(store, post(row));
      const failed = {
        attempts: 1,
        nextAt: startedAt + 5,
        lastError: "500",
        updatedAt: startedAt + 2,
      };
      yield* expectResults(store, [changeOf(row, failed)], ["Committed"]);
      yield* expectResults(other, [changeOf(row, { state: "delivered" })], [conflict]);
      const now = Option.getOrNull(yield* other.notification("n1"));
      yield* expectEqual("the row", now, { ...row, ...failed });
      yield* expectResults(other, [changeOf({ ...row, id: "none" }, failed)], [conflict]);
    }),
  },
  {
    name: "what a dead owner had to send to the given subscriptions is its successor's",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const delivered = rowOf(notificationOf("n3"));
      yield* commitAll(
        store,
        post(notificationOf("n1"), notificationOf("n2", { subscription: "alerts" }), delivered),
        changeOf(delivered, { state: "delivered" }),
      );
      const take = {
        type: "TakeNotifications",
        from: "o",
        to: "p",
        subscriptions: ["orders"],
      } as const;
      yield* commitAll(store, take, take);
      const owners = (yield* store.notifications({})).map(({ id, owner }) => [id, owner]);
      yield* expectEqual("owners", owners, [
        ["n3", "o"],
        ["n2", "o"],
        ["n1", "p"],
      ]);
    }),
  },
  {
    name: "notifications are listed by state, subscription and job, page by page",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const given = rowOf(notificationOf("n3", { subscription: "alerts" }));
      yield* commitAll(
        store,
        ownedOf("a"),
        appendOf("a", 1, { outbox: [ofJob("n1", "a")] }),
        post(notificationOf("n2"), given),
        changeOf(given, { state: "undeliverable" }),
      );
      const listed = (filter: Parameters<typeof store.notifications>[0]) =>
        Effect.map(store.notifications(filter), idsOf);
      yield* expectEqual("state", yield* listed({ state: "undeliverable" }), ["n3"]);
      yield* expectEqual("subscription", yield* listed({ subscription: "orders" }), ["n2", "n1"]);
      yield* expectEqual("job", yield* listed({ jobId: "a", state: "due" }), ["n1"]);
      yield* expectEqual("no job", yield* listed({ jobId: null }), ["n3", "n2"]);
      yield* expectEqual("a page", yield* listed({ limit: 2 }), ["n3", "n2"]);
      yield* expectEqual("the next", yield* listed({ limit: 2, olderThan: "n2" }), ["n1"]);
      yield* expectEqual("after nothing", yield* listed({ olderThan: "none" }), []);
    }),
  },
  {
    name: "an erased job takes its notifications along, those of others stay",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const give = (id: string, jobId: string) => ({ outbox: [ofJob(id, jobId)] });
      const delivered = rowOf(ofJob("n1", "a"));
      yield* commitAll(
        store,
        ownedOf("a"),
        ownedOf("b"),
        appendOf("a", 1, give("n1", "a")),
        releaseOf("a", 2, give("n2", "a")),
        releaseOf("b", 1, give("n3", "b")),
        changeOf(delivered, { state: "delivered" }),
      );
      yield* commitAll(store, eraseOf("a", 3));
      yield* expectEqual("left", idsOf(yield* store.notifications({})), ["n3"]);
      yield* expectResults(store, [changeOf(rowOf(ofJob("n2", "a")), {})], [conflict]);
    }),
  },
  {
    name: "tidying takes what has been over of no job since before the instant, with its letters",
    run: Effect.fnUntraced(function* ({ open }) {
      const store = yield* open;
      const before = startedAt + 2;
      const change = (id: string, part: Partial<ChangeNotification["to"]>) =>
        changeOf(rowOf(notificationOf(id)), part);
      const changes = [
        change("delivered", { state: "delivered", updatedAt: before - 1 }),
        change("just delivered", { state: "delivered", updatedAt: before }),
        change("given up", { state: "undeliverable", attempts: 8, updatedAt: before - 1 }),
        change("just given up", { state: "undeliverable", attempts: 8, updatedAt: before }),
        change("tried again later", { attempts: 1, nextAt: before, updatedAt: before - 1 }),
      ];
      yield* commitAll(
        store,
        createOf("a", { epoch: 1, owner: "o" }),
        appendOf("a", 1, { outbox: [ofJob("of a job", "a")] }),
        post(...changes.map(({ id }) => notificationOf(id)), notificationOf("sent by nobody")),
        post(notificationOf("just made", { at: before })),
        ...changes,
        changeOf(rowOf(ofJob("of a job", "a")), { state: "undeliverable" }),
      );
      yield* commitAll(store, { type: "TidyNotifications", before });
      const left = new Set(idsOf(yield* store.notifications({})));
      const stay = ["just delivered", "just given up", "tried again later", "just made"];
      yield* expectEqual("left", left, new Set([...stay, "of a job"]));
      const letterOf = (id: string) => Effect.map(store.letter(id), Option.isSome);
      yield* expectEqual("letter of what went", yield* letterOf("given up"), false);
      yield* expectEqual("letter of what stayed", yield* letterOf("just given up"), true);
      yield* expectEqual("letter of a job's", yield* letterOf("of a job"), true);
    }),
  },
  {
    name: "of several who tell of one topic the first does, to each subscription, once in its time",
    run: Effect.fnUntraced(function* ({ open }) {
      const [store, other] = [yield* open, yield* open];
      const tell = (id: string, part: { readonly at: number; readonly topic: Topic }) => ({
        ...post(
          ...["orders", "alerts"].map((subscription) =>
            notificationOf(`${id} to ${subscription}`, { at: part.at, subscription }),
          ),
        ),
        topic: part.topic,
      });
      const queue = (toldAfter: number): Topic => ({ name: "queue", toldAfter });
      const told = Effect.map(store.notifications({ subscription: "orders" }), idsOf);
      yield* commitAll(store, tell("n1", { at: startedAt + 5, topic: queue(startedAt - 9) }));
      yield* commitAll(other, tell("n2", { at: startedAt + 6, topic: queue(startedAt + 4) }));
      yield* commitAll(other, tell("n1", { at: startedAt + 6, topic: queue(startedAt + 6) }));
      yield* expectEqual("once", yield* told, ["n1 to orders"]);
      yield* commitAll(
        other,
        tell("n3", { at: startedAt + 6, topic: { name: "budget", toldAfter: startedAt - 9 } }),
      );
      yield* commitAll(other, tell("n4", { at: startedAt + 8, topic: queue(startedAt + 5) }));
      yield* commitAll(store, post(notificationOf("n5")));
      const all = ["n5", "n4 to orders", "n3 to orders", "n1 to orders"];
      yield* expectEqual("another topic, another time, none", yield* told, all);
      const alone = { ...post(notificationOf("n6", { at: startedAt + 9, subscription: "late" })) };
      yield* commitAll(store, { ...alone, topic: queue(startedAt) });
      const late = idsOf(yield* store.notifications({ subscription: "late" }));
      yield* expectEqual("who has not heard of it", late, ["n6"]);
    }),
  },
];
