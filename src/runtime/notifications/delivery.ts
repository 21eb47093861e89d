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
/** How many are read at once; those that are being sent are still due, and among them. */
const lookSize = 64;

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
export const deliverAll = (host: DeliveryHost, line: Line): Effect.Effect<never> =>
  new Sender(host, line).run;

class Sender {
  readonly #host: DeliveryHost;
  readonly #line: Line;
  readonly #sending = new Set<string>();
  /** Read, and waiting for others to come to their end. */
  #backlog: Array<NotificationRow> = [];
  /** There may be more in the store than was read. */
  #hasMore = true;
  /** When the first is due that was not yet at the last look (ms); null where there was none. */
  #nextAt: number | null = null;

  constructor(host: DeliveryHost, line: Line) {
    this.#host = host;
    this.#line = line;
  }

  readonly run: Effect.Effect<never> = Effect.gen({ self: this }, function* () {
    const { changed } = this.#line;
    while (true) {
      // Closed before looking: what comes meanwhile asks for another look.
      changed.closeUnsafe();
      if (this.#backlog.length === 0) yield* this.#look();
      else this.#hasMore = true;
      for (const row of this.#take()) yield* this.#begin(row);
      yield* Effect.raceFirst(this.#pause, changed.await);
    }
  });

  #look(): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { store, owner } = this.#host;
      const { name } = this.#line.subscription;
      const rows = Option.getOrNull(
        yield* Effect.option(store.dueNotifications(owner, name, lookSize)),
      );
      const now = yield* Clock.currentTimeMillis;
      const waiting = rows?.filter(({ id }) => !this.#sending.has(id)) ?? [];
      this.#backlog = waiting.filter(({ nextAt }) => nextAt <= now);
      this.#hasMore = rows === null || rows.length === lookSize;
      const next = waiting.find(({ nextAt }) => nextAt > now);
      this.#nextAt = rows === null ? now + unreadMs : (next?.nextAt ?? null);
    });
  }

  /** Until the next is due; while others still wait for their turn, what ends asks for another look. */
  readonly #pause = Effect.suspend(() => {
    const nextAt = this.#nextAt;
    if (nextAt === null || this.#backlog.length > 0) return Effect.never;
    return Effect.flatMap(Clock.currentTimeMillis, (now) =>
      Effect.sleep(Math.min(Math.max(nextAt - now, 0), maxSleepMs)),
    );
  });

  #take(): ReadonlyArray<NotificationRow> {
    if (this.#host.underWay.isClosed) return [];
    return this.#backlog.splice(0, concurrency - this.#sending.size);
  }

  #begin(row: NotificationRow): Effect.Effect<void> {
    const { subscription, changed } = this.#line;
    this.#sending.add(row.id);
    const sent = Effect.map(send(this.#host, subscription, row), (isDueAgain) => {
      this.#hasMore ||= isDueAgain;
    });
    const ended = Effect.sync(() => {
      this.#sending.delete(row.id);
      if (this.#hasMore || this.#backlog.length > 0) changed.openUnsafe();
    });
    return Effect.asVoid(Effect.forkChild(Effect.ensuring(this.#host.underWay.run(sent), ended)));
  }
}

/** What could not be read is read again. */
const unreadMs = 1_000;

/** Answers whether it is to be sent again. */
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
  const result = yield* host.committer.commit({ type: "ChangeNotification", id, from, to });
  // Somebody has changed or erased it meanwhile: theirs counts.
  if (result.type !== "Committed") return true;
  if (to.state === "undeliverable")
    yield* Effect.logWarning(
      `notification ${id} was given up after ${to.attempts} of ${maxAttempts} tries: ${to.lastError}`,
    );
  return to.state === "due";
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
