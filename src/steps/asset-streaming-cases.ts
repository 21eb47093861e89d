/** What every AssetStore promises of bytes that come and go in pieces. */
import assert from "node:assert/strict";
import { Effect, Fiber, Latch, Option, Stream } from "effect";
import { type AssetStore, headBytes, type StreamedBytes } from "./asset-store.ts";
import { type AssetStoreCase, check } from "./asset-store-case.ts";

const contentType = "image/png";
/** More than tells the type, in pieces that divide it nowhere evenly. */
const bytes = Uint8Array.from({ length: headBytes * 3 + 7 }, (_, at) => at % 251);
const pieces = [0, 1, 1_000, headBytes + 1, bytes.length].map((from, at, all) =>
  bytes.subarray(from, all[at + 1] ?? bytes.length),
);

const streamed = <E = never>(
  stream: Stream.Stream<Uint8Array, E> = Stream.fromIterable(pieces),
): StreamedBytes<E> => ({ stream, contentTypeOf: () => Effect.succeed(contentType) });

const expectEmpty = Effect.fnUntraced(function* (store: AssetStore["Service"]) {
  const listed = yield* store.list({ after: null, limit: 10 });
  yield* check(() => assert.deepEqual(listed, []));
});

export const streamingCases: ReadonlyArray<AssetStoreCase> = [
  {
    name: "bytes that come in pieces are the asset that they are at once",
    run: Effect.fnUntraced(function* (store) {
      const asset = yield* store.putStream(streamed());
      const found = Option.getOrThrow(yield* store.get(asset.sha256));
      const again = yield* store.put({ bytes, contentType: "text/plain" });
      const third = yield* store.putStream(streamed());
      yield* check(() => {
        assert.deepEqual([again, third], [asset, asset]);
        assert.deepEqual([...found.bytes], [...bytes]);
        assert.equal(found.contentType, contentType);
      });
    }),
  },
  {
    name: "the type of a stream is told by its first bytes, or by all where there are fewer",
    run: Effect.fnUntraced(function* (store) {
      const heads: Array<number> = [];
      const contentTypeOf = (head: Uint8Array) => {
        heads.push(head.length);
        return Effect.succeed("text/plain");
      };
      for (const stream of [streamed().stream, Stream.make(bytes.subarray(0, 5)), Stream.empty])
        yield* store.putStream({ stream, contentTypeOf });
      yield* check(() => assert.deepEqual(heads, [headBytes, 5, 0]));
    }),
  },
  {
    name: "of a stream that breaks, or whose type is refused, nothing stays",
    run: Effect.fnUntraced(function* (store) {
      const broken = Stream.concat(streamed().stream, Stream.fail("broken" as const));
      const failures = [
        yield* Effect.flip(store.putStream(streamed(broken))),
        yield* Effect.flip(
          store.putStream({ ...streamed(), contentTypeOf: () => Effect.fail("refused" as const) }),
        ),
      ];
      yield* check(() => assert.deepEqual(failures, ["broken", "refused"]));
      yield* expectEmpty(store);
    }),
  },
  {
    name: "of a stream that nobody waits for any more, nothing stays",
    run: Effect.fnUntraced(function* (store) {
      const begun = yield* Latch.make();
      const endless = Stream.concat(
        streamed().stream,
        Stream.fromEffect(Effect.andThen(begun.open, Effect.never)),
      );
      const putting = yield* Effect.forkChild(store.putStream(streamed(endless)));
      yield* begun.await;
      yield* Fiber.interrupt(putting);
      yield* expectEmpty(store);
    }),
  },
  {
    name: "an opened asset gives its bytes, and any part of them",
    run: Effect.fnUntraced(function* (store) {
      const asset = yield* store.put({ bytes, contentType });
      const opened = Option.getOrThrow(yield* store.open(asset.sha256));
      const ranges = [
        { start: 0, end: bytes.length - 1 },
        { start: 5, end: 5 },
        { start: headBytes, end: bytes.length - 1 },
      ];
      const parts = yield* Effect.forEach(ranges, (range) => Stream.runCollect(opened.read(range)));
      yield* check(() => {
        assert.deepEqual(opened.asset, asset);
        for (const [at, { start, end }] of ranges.entries())
          assert.ok(Buffer.concat(parts[at] ?? []).equals(bytes.subarray(start, end + 1)));
      });
    }),
  },
  {
    name: "an opened asset of no bytes gives none, and what is not here cannot be opened",
    run: Effect.fnUntraced(function* (store) {
      const { sha256 } = yield* store.put({ bytes: new Uint8Array(), contentType });
      const opened = Option.getOrThrow(yield* store.open(sha256));
      const given = yield* Stream.runCollect(opened.read({ start: 0, end: -1 }));
      const absent = yield* store.open("0".repeat(64));
      const senseless = yield* store.open("../../secret");
      yield* check(() => {
        assert.equal(Buffer.concat(given).length, 0);
        assert.ok(Option.isNone(absent) && Option.isNone(senseless));
      });
    }),
  },
];
