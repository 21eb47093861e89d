/**
 * Sends to one subscription what is due, for as long as the scope lives: a fiber that sleeps until the next
 * notification or until it is woken. Each subscription has its own, so that a receiver that hangs holds up
 * nobody else's. Several are sent at once: their order is nobody's promise.
 *
 * A row is marked after it was sent. Whoever dies in between leaves it due, and it is sent again under the
 * same id.
 */
import { Clock, Effect, Latch, Metric, Option, Random } from "effect";
import type { GroupCommit } from "../group-commit.ts";
import type { ChangeNotification, NotificationRow } from "../journal-outbox.ts";
import { NotDelivered } from "../notification-channel.ts";
import { maxAttempts, waitAfter } from "./retry-schedule.ts";
import type { SendsUnderWay } from "./sends-under-way.ts";
import type { Subscription } from "./subscriptions.ts";
import { toldBy, type Told } from "./told.ts";

export interface DeliveryHost extends Told {
  readonly owner: string;
  readonly committer: GroupCommit;
  readonly underWay: SendsUnderWay;
}

/** One subscription and what wakes its fiber. */
export interface Line {
  readonly subscription: Subscription;
  readonly changed: Latch.Latch;
}

/** How many are sent to one subscription at once. */
const concurrency = 8;
/** Those that are being sent are still due: beside them there is room for as many again. */
const lookSize = 2 * concurrency;

/** A channel has come to an end by itself long before. */
const maxSendMs = 60_000;

/** The clock may be set, and a machine may sleep: the row is looked at again at the latest after this long. */
const maxSleepMs = 60_000;

const counter = Metric.counter("catena_notifications_total", {
  description: "Tries to send a notification, by what came of them",
});
const count = (outcome: "delivered" | "failed" | "undeliverable") =>
  Metric.update(Metric.withAttributes(counter, { outcome }), 1);

/** Never returns; what it has begun ends with it. */
export const deliverAll = Effect.fnUntraced(function* (host: DeliveryHost, line: Line) {
  const { changed, subscription } = line;
  const look = host.store.dueNotifications(host.owner, subscription.name, lookSize);
  const sending = new Set<string>();
  const begin = Effect.fnUntraced(function* (row: NotificationRow) {
    sending.add(row.id);
    const ended = Effect.sync(() => {
      sending.delete(row.id);
      changed.openUnsafe();
    });
    yield* Effect.forkChild(
      Effect.ensuring(host.underWay.run(send(host, subscription, row)), ended),
    );
  });
  while (true) {
    // Closed before looking: what comes meanwhile asks for another look.
    changed.closeUnsafe();
    const rows = Option.getOrNull(yield* Effect.option(look));
    const now = yield* Clock.currentTimeMillis;
    const waiting = rows?.filter(({ id }) => !sending.has(id)) ?? [];
    for (const row of waiting)
      if (row.nextAt <= now && sending.size < concurrency && !host.underWay.isClosed)
        yield* begin(row);
    const pauseMs = rows === null ? unreadMs : pauseBefore(waiting, now);
    yield* Effect.raceFirst(pauseMs === null ? Effect.never : Effect.sleep(pauseMs), changed.await);
  }
});

/** What could not be read is read again. */
const unreadMs = 1_000;

/** Until the first that is not due yet; null where there is none, or another look is asked for by what ends. */
const pauseBefore = (waiting: ReadonlyArray<NotificationRow>, now: number): number | null => {
  const next = waiting.find(({ nextAt }) => nextAt > now);
  return next === undefined ? null : Math.min(next.nextAt - now, maxSleepMs);
};

const send = Effect.fnUntraced(function* (
  host: DeliveryHost,
  { channel }: Subscription,
  row: NotificationRow,
) {
  const { id, type, at, state, attempts, owner } = row;
  const tried = Effect.gen(function* () {
    const told = yield* Effect.mapError(toldBy(host, row), unreadable);
    // Erased since it was looked at: the row is gone as well.
    if (Option.isNone(told)) return;
    yield* channel.deliver({ id, type, at, data: told.value });
  });
  const failure = yield* tried.pipe(
    Effect.as(null),
    Effect.timeoutOrElse({ duration: maxSendMs, orElse: () => Effect.fail(tooLong) }),
    Effect.catchDefect((defect) => Effect.fail(brokenBy(defect))),
    Effect.catch((notDelivered) => Effect.succeed(notDelivered)),
  );
  const to = yield* outcomeOf(row, failure);
  const from = { state, attempts, owner };
  // In conflict where somebody has changed or erased it meanwhile: theirs counts.
  yield* host.committer.commit({ type: "ChangeNotification", id, from, to });
  if (to.state === "undeliverable")
    yield* Effect.logWarning(
      `notification ${id} was given up after ${to.attempts} of ${maxAttempts} tries: ${to.lastError}`,
    );
});

const unreadable = () =>
  new NotDelivered({
    detail: "what it tells could not be read from the store",
    isPermanent: false,
  });

const tooLong = new NotDelivered({
  detail: `its channel did not come to an end within ${maxSendMs / 1_000} s`,
  isPermanent: false,
});

/** What a channel throws by mistake may hold anything. */
const brokenBy = (defect: unknown): NotDelivered => {
  const name = defect instanceof Error ? defect.name : typeof defect;
  return new NotDelivered({ detail: `its channel threw: ${name}`, isPermanent: false });
};

const outcomeOf = Effect.fnUntraced(function* (
  { attempts, nextAt, owner }: NotificationRow,
  failure: NotDelivered | null,
): Effect.fn.Return<ChangeNotification["to"]> {
  const updatedAt = yield* Clock.currentTimeMillis;
  const before = { nextAt, owner, updatedAt };
  if (failure === null) {
    yield* count("delivered");
    return { ...before, state: "delivered", attempts, lastError: null };
  }
  const failed = { ...before, attempts: attempts + 1, lastError: failure.detail };
  const chance = yield* Random.next;
  const waitMs = waitAfter(failed.attempts, { chance, askedMs: failure.retryAfterMs });
  if (failure.isPermanent || waitMs === null) {
    yield* count("undeliverable");
    return { ...failed, state: "undeliverable" };
  }
  yield* count("failed");
  return { ...failed, state: "due", nextAt: updatedAt + waitMs };
});
