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

/** How often (ms) the row is looked at: a job that another process runs tells nobody here. */
const lookEveryMs = 1_000;
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
}

const events = (host: ApiHost, jobId: string, after: number): Stream.Stream<string> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const moved = Latch.makeUnsafe(false);
      const sentAt = yield* Clock.currentTimeMillis;
      yield* Effect.acquireRelease(
        Effect.sync(() => host.engine.changes.listen(jobId, () => moved.openUnsafe())),
        (stop) => Effect.sync(stop),
      );
      const first: Reader = { jobId, seq: after, sentAt };
      return Stream.paginate(first, (reader) => next(host, reader, moved));
    }),
  ).pipe(Stream.interruptWhen(host.closing));

type Page = readonly [ReadonlyArray<string>, Option.Option<Reader>];

/** Waits for something to send: entries, or a sign of life. Ends with a job that rests. */
const next = Effect.fnUntraced(function* (
  { engine, settings }: ApiHost,
  reader: Reader,
  moved: Latch.Latch,
): Effect.fn.Return<Page> {
  while (true) {
    moved.closeUnsafe();
    // Store trouble is waited out: the reader sees signs of life meanwhile.
    const job = yield* Effect.orElseSucceed(engine.store.job(reader.jobId), Option.none);
    const now = yield* Clock.currentTimeMillis;
    const stored = Option.getOrNull(job);
    const read =
      stored === null || stored.seq <= reader.seq ? [] : yield* entriesAfter(engine, reader);
    const entries = read ?? [];
    // Of an erased job fewer entries are left than its row has counted.
    const counted = stored === null || read === null ? reader.seq : stored.seq;
    const last = Math.max(entries.at(-1)?.seq ?? 0, counted, reader.seq);
    // One that was retried meanwhile has gone on since its row was read.
    const isEnd = stored !== null && isRest(stored.record) && last === stored.seq;
    const sent = entries.flatMap(eventOf);
    const goesOn: Reader = { ...reader, seq: last, sentAt: now };
    if (isEnd) return [[...sent, endOf(stored)], Option.none()];
    if (sent.length > 0) return [sent, Option.some(goesOn)];
    if (now - reader.sentAt >= settings.heartbeatMs) return [[": alive\n\n"], Option.some(goesOn)];
    yield* Effect.raceFirst(moved.await, Effect.sleep(Math.min(lookEveryMs, settings.heartbeatMs)));
  }
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
