/**
 * What a prediction writes, from the stream that Replicate opens for it: an unguessable address of its own,
 * to which no token is sent, as the official client does it. The stream is only a view, and a fragile one:
 * it closes after half a minute of silence and may break at any time. While the prediction is open it is
 * opened again, ever less often; everything else ends it without a word.
 */
import { Cause, Effect, Option, Queue, Schema, Stream } from "effect";
import { Sse } from "effect/encoding";
import type { ProviderFailure } from "../failure.ts";
import {
  isTerminal,
  type ModelDescription,
  type Prediction,
  type StreamedPrediction,
} from "../model-client.ts";
import { isTextOutput } from "../normalise.ts";

export interface Streaming {
  readonly get: (id: string) => Effect.Effect<Prediction, ProviderFailure>;
  readonly describe: (model: string) => Effect.Effect<ModelDescription, ProviderFailure>;
  readonly fetch: typeof globalThis.fetch;
  readonly isAllowed: (url: URL) => boolean;
  /** Until the provider begins to answer, in ms. */
  readonly timeoutMs: number;
}

/** Waits (ms) before a stream is opened again: the first one, and the longest. */
const [firstWaitMs, maxWaitMs] = [1_000, 10_000];
/** The provider closes what is silent for 30 s: a connection that does not even do that is dead. */
const maxSilenceMs = 60_000;
/** Characters of one event: tokens are words, and nobody shall make us hold more. */
const maxEventLength = 65_536;

/** Texts that wait for a reader; while they do, nothing is taken from the connection. */
const bufferSize = 16;

/** Ends with the prediction, and where there is nothing to see: no stream, or one of files. */
export const streamText = (
  streaming: Streaming,
  { id, model }: StreamedPrediction,
): Stream.Stream<string> =>
  Stream.callback<string>(
    (queue) =>
      Effect.gen(function* () {
        const { output } = yield* streaming.describe(model);
        if (isTextOutput(output)) yield* follow(streaming, id, queue);
      }).pipe(Effect.ignore, Effect.andThen(Effect.sync(() => Queue.endUnsafe(queue)))),
    { bufferSize },
  );

type Texts = Queue.Queue<string, Cause.Done>;

/** What was read of a stream over all its connections. */
interface Progress {
  /** The last text that was handed on; null where its event had no id, so that one cannot go on after it. */
  last: EventId | null;
  hasText: boolean;
}

const follow = Effect.fnUntraced(function* (
  streaming: Streaming,
  id: string,
  queue: Texts,
): Effect.fn.Return<void> {
  const progress: Progress = { last: null, hasText: false };
  let waitMs = firstWaitMs;
  while (true) {
    const address = yield* addressOf(streaming, id);
    if (address === "none") return;
    if (address !== "unknown") {
      const before = progress.last;
      const ending = yield* read(streaming, { address, progress, queue });
      if (ending === "over") return;
      // Read again from its beginning, what was shown already could not be told from what was not.
      if (progress.hasText && progress.last === null) return;
      if (progress.last !== before) waitMs = firstWaitMs;
    }
    yield* Effect.sleep(waitMs);
    waitMs = Math.min(waitMs * 2, maxWaitMs);
  }
});

const readUrls = Schema.decodeUnknownOption(
  Schema.Struct({ urls: Schema.Struct({ stream: Schema.String }) }),
);

/** `none` where the prediction has ended or is not streamed; `unknown` while the provider does not say. */
const addressOf = (
  { get, isAllowed }: Streaming,
  id: string,
): Effect.Effect<URL | "none" | "unknown"> =>
  Effect.matchEffect(get(id), {
    onFailure: ({ status = 500 }) => Effect.succeed(isPassing(status) ? "unknown" : "none"),
    onSuccess: ({ status, raw }) => {
      const text = Option.getOrNull(readUrls(raw))?.urls.stream ?? "";
      const url = URL.canParse(text) ? new URL(text) : null;
      const isOpen = !isTerminal(status) && url !== null && isAllowed(url);
      return Effect.succeed(isOpen ? url : ("none" as const));
    },
  });

interface Reading {
  readonly address: URL;
  readonly progress: Progress;
  readonly queue: Texts;
}

/** `broken`: it may go on at another connection. */
type Ending = "over" | "broken";

/** One connection, closed when this returns or is interrupted. */
const read = (streaming: Streaming, reading: Reading): Effect.Effect<Ending> =>
  Effect.acquireUseRelease(
    Effect.sync(() => new AbortController()),
    ({ signal }) =>
      Effect.gen(function* () {
        const { fetch, timeoutMs } = streaming;
        const response = yield* promised(timeoutMs, () =>
          fetch(reading.address, {
            headers: { accept: "text/event-stream", "cache-control": "no-store" },
            redirect: "manual",
            signal,
          }),
        );
        if (response === null) return "broken";
        if (!response.ok) return isPassing(response.status) ? "broken" : "over";
        const isStream = /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
        if (!isStream || response.body === null) return "over";
        return yield* readEvents(response.body, reading);
      }),
    (controller) => Effect.sync(() => controller.abort()),
  );

const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** Null where it was rejected or took longer. */
const promised = <A>(timeoutMs: number, make: () => Promise<A>): Effect.Effect<A | null> =>
  Effect.tryPromise(make).pipe(
    Effect.timeout(timeoutMs),
    Effect.orElseSucceed(() => null),
  );

const readEvents = Effect.fnUntraced(function* (
  body: ReadableStream<Uint8Array>,
  { progress, queue }: Reading,
): Effect.fn.Return<Ending> {
  const { last: shown } = progress;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const events: Array<Sse.AnyEvent> = [];
  const parser = Sse.makeParser((event) => events.push(event), { maxEventSize: maxEventLength });
  while (true) {
    const chunk = yield* promised(maxSilenceMs, () => reader.read());
    if (chunk === null || chunk.done) return "broken";
    if (parser.feed(decoder.decode(chunk.value, { stream: true })) !== undefined) return "over";
    for (const event of events.splice(0)) {
      if (event._tag !== "Event") continue;
      if (event.event === "done" || event.event === "error") return "over";
      if (event.event !== "output" || event.data === "") continue;
      const id = eventIdOf(event.id);
      if (shown !== null && (id === null || !isAfter(id, shown))) continue;
      progress.last = id;
      progress.hasText = true;
      yield* Queue.offer(queue, event.data);
    }
  }
});

/** `1690212292:0`: seconds, and a count within them. */
interface EventId {
  readonly at: number;
  readonly ordinal: number;
}

const eventIdOf = (id: string | undefined): EventId | null => {
  const [, at, ordinal] = /^(\d{1,15}):(\d{1,15})$/.exec(id ?? "") ?? [];
  return at === undefined ? null : { at: Number(at), ordinal: Number(ordinal) };
};

const isAfter = (id: EventId, other: EventId): boolean =>
  id.at === other.at ? id.ordinal > other.ordinal : id.at > other.at;
