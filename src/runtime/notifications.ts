/**
 * Notifications: jobs that came to rest, and events of others, told to subscriptions from the outbox. Rows
 * belong to the process that wrote them; what a dead one left is taken over and sent by another.
 */
import { Clock, Effect, Latch, Option, type Schema, type Scope } from "effect";
import type { AssetStore } from "../steps/asset-store.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Announcement, JobOutbox } from "./jobs/job-notifications.ts";
import type {
  NotificationFilter,
  NotificationRow,
  NotificationType,
  Topic,
} from "./journal-outbox.ts";
import type { JournalStore, StoreFailure } from "./journal-store.ts";
import { deliverAll, type Line } from "./notifications/delivery.ts";
import { SendsUnderWay } from "./notifications/sends-under-way.ts";
import type { Subscription } from "./notifications/subscriptions.ts";

export interface NotificationsHost {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  readonly committer: GroupCommit;
  readonly assets: AssetStore["Service"];
  readonly subscriptions: ReadonlyArray<Subscription>;
  /** Where the HTTP API serves assets: a URL or a path. */
  readonly assetBase: string;
  /** How often (ms) to look for what dead processes left. */
  readonly recoverEveryMs: number;
  /** Ends the wait of a stop for what is being sent. */
  readonly patience: Effect.Effect<void>;
}

/** Something to be told that belongs to no append of a job. */
export interface RaisedEvent {
  /** Makes a repetition the same event: letters, digits, `_` and `-`. */
  readonly key: string;
  readonly type: NotificationType;
  readonly at: number;
  /** Free of secrets. */
  readonly data: Schema.Json;
  /** What other processes may tell as well, under other keys; absent: nobody else does. */
  readonly topic?: Topic;
}

export interface Notifications {
  /** Newest first. Fails with: StoreFailure. */
  list(filter?: NotificationFilter): Effect.Effect<ReadonlyArray<NotificationRow>, StoreFailure>;
  /** Sends it again, now, under its id and with all its tries anew. Fails with: NotificationUnavailable, StoreFailure. */
  redeliver(id: string): Effect.Effect<void, NotificationUnavailable | StoreFailure>;
  /** Tells everybody who subscribed to its type; to nobody where nobody has. Fails with: StoreFailure. */
  raise(event: RaisedEvent): Effect.Effect<void, StoreFailure>;
  /** Absent where nobody is told anything. */
  readonly ofJobs?: JobOutbox;
}

/** There is no such notification, or it cannot be sent from here. */
export class NotificationUnavailable extends Error {
  override readonly name = "NotificationUnavailable";
  readonly id: string;
  constructor(id: string, why: string) {
    super(`Notification ${id}: ${why}`);
    this.id = id;
  }
}

/** Starts sending, for as long as the scope lives; without a subscription there is nothing to start. */
export const makeNotifications = Effect.fnUntraced(function* (
  host: NotificationsHost,
): Effect.fn.Return<Notifications, never, Scope.Scope> {
  const { store, subscriptions } = host;
  const lines = subscriptions.map(
    (subscription): Line => ({ subscription, changed: Latch.makeUnsafe(true) }),
  );
  const wake = (): void => {
    for (const { changed } of lines) changed.openUnsafe();
  };
  const underWay = new SendsUnderWay();
  for (const line of lines) yield* Effect.forkScoped(deliverAll({ ...host, underWay }, line));
  if (lines.length > 0) yield* Effect.forkScoped(takeOverRegularly(host, wake));
  // What is cut off may have arrived, and would be sent again by the next start.
  yield* Effect.addFinalizer(() => Effect.raceFirst(underWay.close, host.patience));
  const notifications: Notifications = {
    list: (filter = {}) => store.notifications(filter),
    redeliver: (id) => Effect.tap(redeliver(host, id), () => Effect.sync(wake)),
    raise: (event) => Effect.tap(raise(host, event), () => Effect.sync(wake)),
  };
  return lines.length === 0
    ? notifications
    : { ...notifications, ofJobs: { announcementOf: announcer(host), wake } };
});

const announcer = ({ owner, subscriptions }: NotificationsHost): JobOutbox["announcementOf"] => {
  const known = new Map<string, Announcement | undefined>();
  return (pipeline) => {
    if (!known.has(pipeline)) {
      const to = subscriptions.filter(({ pipelines }) => pipelines?.has(pipeline) ?? true);
      known.set(pipeline, to.length === 0 ? undefined : { owner, to });
    }
    return known.get(pipeline);
  };
};

// --- what others left

/** Never returns. */
const takeOverRegularly = Effect.fnUntraced(function* (host: NotificationsHost, wake: () => void) {
  while (true) {
    // What could not be looked at is looked at next time.
    yield* Effect.ignore(takeOver(host, wake));
    yield* Effect.sleep(host.recoverEveryMs);
  }
});

const takeOver = Effect.fnUntraced(function* (
  { owner, store, committer, subscriptions: all }: NotificationsHost,
  wake: () => void,
): Effect.fn.Return<void, StoreFailure> {
  const subscriptions = all.map(({ name }) => name);
  const senders = yield* store.sendersTo(subscriptions);
  const others = senders.filter((sender) => sender !== owner);
  if (others.length === 0) return;
  const living = new Set(yield* store.livingOwners);
  for (const from of others.filter((sender) => !living.has(sender))) {
    yield* committer.commit({ type: "TakeNotifications", from, to: owner, subscriptions });
    wake();
  }
});

// --- by request

const redeliver = Effect.fnUntraced(function* (
  { owner, store, committer, subscriptions }: NotificationsHost,
  id: string,
): Effect.fn.Return<void, NotificationUnavailable | StoreFailure> {
  const refuse = (why: string) => Effect.fail(new NotificationUnavailable(id, why));
  // Plain JavaScript may hand over anything.
  const found = typeof id === "string" ? yield* store.notification(id) : Option.none();
  if (Option.isNone(found)) return yield* refuse("this store has no such notification");
  const { state, attempts, owner: before, subscription, lastError } = found.value;
  if (!subscriptions.some(({ name }) => name === subscription))
    return yield* refuse(`this process has no subscription "${subscription}"`);
  const now = yield* Clock.currentTimeMillis;
  const result = yield* committer.tryCommit(
    {
      type: "ChangeNotification",
      id,
      from: { state, attempts, owner: before },
      to: { state: "due", attempts: 0, nextAt: now, lastError, owner, updatedAt: now },
    },
    () => undefined,
  );
  if (result.type !== "Committed") return yield* refuse("it was changed just now: look again");
});

const raise = Effect.fnUntraced(function* (
  { owner, committer, subscriptions }: NotificationsHost,
  { key, type, at, data, topic }: RaisedEvent,
): Effect.fn.Return<void, StoreFailure> {
  const notifications = subscriptions
    .filter(({ events }) => events.has(type))
    .map(({ name: subscription }) => ({
      id: `evt_${key}_${subscription}`,
      subscription,
      type,
      at,
      job: null,
      data,
      owner,
    }));
  if (notifications.length === 0) return;
  const about = topic === undefined ? {} : { topic };
  yield* committer.tryCommit(
    { type: "PostNotifications", notifications, ...about },
    () => undefined,
  );
});
