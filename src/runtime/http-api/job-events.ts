/**
 * A job's story as server-sent events: every public entry of its journal under its seq as id, first what
 * came before, then what comes, to the end. A reader who lost the line goes on after its last id. What
 * models write passes by in between, without ids: it is no part of the story.
 */
import { Clock, Effect, Latch, Option, Stream } from "effect";
import { HttpServerResponse } from "effect/http";
import type { Entry } from "../../machines/entry.ts";
import { isRest } from "../jobs/rest-waiters.ts";
import type { StoredJob, StoreFailure } from "../journal-store.ts";
import type { Caller } from "./http-options.ts";
import { deltaEvents } from "./job-deltas.ts";
import { publicEntry } from "./public-entry.ts";
import { type Problem, wrongField } from "./problem.ts";
import type { ApiHost } from "./route.ts";

/** How often (ms) it is looked whether another process has written: a job that runs there tells nobody here. */
const lookEveryMs = 1_000;
/** The row is looked at anyway after so long (ms) without a word. */
const rereadMs = 25_000;
/** What a reader waits (ms) before it comes back. */
const reconnectMs = 2_000;

export interface Asked {
  readonly job: StoredJob;
  readonly lastEventId: string | undefined;
  readonly caller: Caller;
}

/**
 * The stream, from after the given id. 204 where the job is over and the reader has it all: browsers then
 * stop asking. Fails with: Problem (400 for an id that is none), StoreFailure.
 */
export const eventsResponse = Effect.fnUntraced(function* (
  host: ApiHost,
  { job, lastEventId, caller }: Asked,
): Effect.fn.Return<HttpServerResponse.HttpServerResponse, Problem | StoreFailure> {
  const { seq: after, isEnd } = yield* placeOf(lastEventId ?? "0");
  if (after > job.seq) return yield* notOfThisJob;
  const isOver = isEnd && after === job.seq && isRest(job.record);
  if (isOver) return HttpServerResponse.empty({ status: 204 });
  const told = events(host, job.record.jobId, after);
  const shown = isRest(job.record) ? told : withDeltas(told, deltaEvents(host, job.record, caller));
  const body = Stream.encodeText(Stream.concat(Stream.make(`retry: ${reconnectMs}\n\n`), shown));
  return HttpServerResponse.stream(body, {
    contentType: "text/event-stream; charset=utf-8",
    // Proxies that buffer would hold back what is waited for.
    headers: { "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" },
  });
});

/** Over with the story; what waits for a slow reader is one event. */
const withDeltas = (told: Stream.Stream<string>, deltas: Stream.Stream<string>) =>
  Stream.merge(told, deltas, { haltStrategy: "left" });

const notOfThisJob = wrongField(400, "Last-Event-ID", "Expected the id of an event of this job");

interface Place {
  readonly seq: number;
  /** The end was told as well. */
  readonly isEnd: boolean;
}

const placeOf = (id: string): Effect.Effect<Place, Problem> => {
  const [, seq, end] = /^(\d{1,15})(\.end)?$/.exec(id) ?? [];
  return seq === undefined
    ? Effect.fail(notOfThisJob)
    : Effect.succeed({ seq: Number(seq), isEnd: end !== undefined });
};

interface Reader {
  readonly jobId: string;
  /** The last seq that was sent. */
  readonly seq: number;
  /** When (ms) something was last sent. */
  readonly sentAt: number;
  /** When (ms) the row was last read. */
  readonly readAt: number;
  /** The store's count of changes before that; null where it could not be read. */
  readonly seen: number | null;
}

const events = (host: ApiHost, jobId: string, after: number): Stream.Stream<string> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const moved = Latch.makeUnsafe(false);
      const now = yield* Clock.currentTimeMillis;
      yield* Effect.acquireRelease(
        Effect.sync(() => host.engine.changes.listen(jobId, () => moved.openUnsafe())),
        (stop) => Effect.sync(stop),
      );
      const first: Reader = { jobId, seq: after, sentAt: now, readAt: now, seen: null };
      return Stream.paginate(first, (reader) => next(host, reader, moved));
    }),
  ).pipe(Stream.interruptWhen(host.closing));

type Page = readonly [ReadonlyArray<string>, Option.Option<Reader>];

/**
 * Waits for something to send: entries, or a sign of life. Ends with a job that rests. The row is read where
 * something was written only: thousands of streams of jobs that wait would otherwise leave time for nothing else.
 */
const next = Effect.fnUntraced(function* (
  { engine, settings }: ApiHost,
  reader: Reader,
  moved: Latch.Latch,
): Effect.fn.Return<Page> {
  let at = reader;
  while (true) {
    const isTold = moved.closeUnsafe();
    // Asked before the row is read: what is written in between is looked for again.
    const count = yield* Effect.orElseSucceed(engine.store.changeCount, () => null);
    const now = yield* Clock.currentTimeMillis;
    const isQuiet = !isTold && at.seen !== null && at.seen === count && now - at.readAt < rereadMs;
    if (!isQuiet) {
      const { sent, seq, end, isWhole } = yield* look(engine, at);
      at = { ...at, seq, readAt: now, seen: isWhole ? count : null };
      if (end !== null) return [[...sent, end], Option.none()];
      if (sent.length > 0) return [sent, Option.some({ ...at, sentAt: now })];
    }
    if (now - at.sentAt >= settings.heartbeatMs)
      return [[": alive\n\n"], Option.some({ ...at, sentAt: now })];
    yield* Effect.raceFirst(moved.await, Effect.sleep(Math.min(lookEveryMs, settings.heartbeatMs)));
  }
});

interface Look {
  readonly sent: ReadonlyArray<string>;
  /** The last seq that has been read. */
  readonly seq: number;
  /** The last word; null while the job may go on. */
  readonly end: string | null;
  /** Store trouble is waited out: the reader sees signs of life meanwhile. */
  readonly isWhole: boolean;
}

/** What has come after the reader's last seq. */
const look = Effect.fnUntraced(function* (
  engine: ApiHost["engine"],
  reader: Reader,
): Effect.fn.Return<Look> {
  const job = yield* Effect.orElseSucceed(engine.store.job(reader.jobId), Option.none);
  const stored = Option.getOrNull(job);
  const read =
    stored === null || stored.seq <= reader.seq ? [] : yield* entriesAfter(engine, reader);
  const entries = read ?? [];
  // Of an erased job fewer entries are left than its row has counted.
  const counted = stored === null || read === null ? reader.seq : stored.seq;
  const seq = Math.max(entries.at(-1)?.seq ?? 0, counted, reader.seq);
  // One that was retried meanwhile has gone on since its row was read.
  const isEnd = stored !== null && isRest(stored.record) && seq === stored.seq;
  const isWhole = stored !== null && read !== null;
  return { sent: entries.flatMap(eventOf), seq, end: isEnd ? endOf(stored) : null, isWhole };
});

/** Null while the store does not answer. */
const entriesAfter = (
  { store }: ApiHost["engine"],
  { jobId, seq }: Reader,
): Effect.Effect<ReadonlyArray<Entry> | null> =>
  Effect.match(store.entries(jobId), {
    onFailure: () => null,
    onSuccess: (entries) => entries.filter((entry) => entry.seq > seq),
  });

const eventOf = (entry: Entry): ReadonlyArray<string> => {
  const shown = publicEntry(entry);
  if (shown === null) return [];
  return [`id: ${shown.seq}\nevent: entry\ndata: ${JSON.stringify(shown)}\n\n`];
};

/** The last word; its id says that it was heard, so that a reader who asks again is told to stop. */
const endOf = ({ record, seq }: StoredJob): string =>
  `id: ${seq}.end\nevent: end\ndata: ${JSON.stringify({ status: record.status })}\n\n`;
