/** What every AssetStore promises, as cases that any test runner can run against an adapter. */
import assert from "node:assert/strict";
import { Clock, Effect, Option } from "effect";
import type { AssetStore, Removal } from "./asset-store.ts";
import { type AssetStoreCase, check } from "./asset-store-case.ts";
import { streamingCases } from "./asset-streaming-cases.ts";
import { sha256Hex } from "./canonical-json.ts";

const bytes = new TextEncoder().encode("a small picture");
const contentType = "image/png";

/** Far from now, in whichever direction: no case waits. */
const later = Effect.map(Clock.currentTimeMillis, (now) => now + 60_000);

/** Removes what was put until a minute from now. */
const removeOld = Effect.fnUntraced(function* <E>(
  store: AssetStore["Service"],
  sha256: string,
  isFree: Removal<E>["isFree"],
) {
  return yield* store.remove({ sha256, before: yield* later, isFree });
});

const free = Effect.succeed(true);

const removalCases: ReadonlyArray<AssetStoreCase> = [
  {
    name: "what is old and free is removed, and answers its size",
    run: Effect.fnUntraced(function* (store) {
      const { sha256 } = yield* store.put({ bytes, contentType });
      const removed = yield* removeOld(store, sha256, free);
      const again = yield* removeOld(store, sha256, free);
      const found = yield* store.get(sha256);
      const listed = yield* store.list({ after: null, limit: 10 });
      yield* check(() => {
        assert.deepEqual([removed, again], [bytes.length, "absent"]);
        assert.ok(Option.isNone(found));
        assert.deepEqual(listed, []);
      });
    }),
  },
  {
    name: "what is not free, or cannot be asked about, stays as it was",
    run: Effect.fnUntraced(function* (store) {
      const asset = yield* store.put({ bytes, contentType });
      const refused = yield* removeOld(store, asset.sha256, Effect.succeed(false));
      const failed = yield* Effect.flip(removeOld(store, asset.sha256, Effect.fail("no answer")));
      const found = Option.getOrThrow(yield* store.get(asset.sha256));
      const again = yield* store.put({ bytes, contentType });
      yield* check(() => {
        assert.deepEqual([refused, failed], ["kept", "no answer"]);
        assert.deepEqual([...found.bytes], [...bytes]);
        assert.deepEqual(again, asset);
      });
    }),
  },
  {
    name: "what was put or touched since stays, and nobody is asked",
    run: Effect.fnUntraced(function* (store) {
      const { sha256 } = yield* store.put({ bytes, contentType });
      const [listed] = yield* store.list({ after: null, limit: 1 });
      let asked = 0;
      const isFree = Effect.sync(() => (asked += 1) > 0);
      const removed = yield* store.remove({ sha256, before: listed?.putAt ?? 0, isFree });
      const touched = yield* store.touch(sha256);
      const absent = yield* store.touch("0".repeat(64));
      yield* check(() => {
        assert.deepEqual([removed, asked], ["kept", 0]);
        assert.deepEqual([touched, absent], [true, false]);
      });
    }),
  },
  {
    name: "while it is asked about, an asset is still found",
    run: Effect.fnUntraced(function* (store) {
      const { sha256 } = yield* store.put({ bytes, contentType });
      let found: Option.Option<unknown> = Option.none();
      const isFree = Effect.map(store.get(sha256), (got) => {
        found = got;
        return true;
      });
      yield* removeOld(store, sha256, isFree);
      yield* check(() => assert.ok(Option.isSome(found)));
    }),
  },
  {
    name: "what is put or touched again while it is asked about is not removed",
    run: Effect.fnUntraced(function* (store) {
      const { sha256 } = yield* store.put({ bytes, contentType });
      const put = Effect.as(store.put({ bytes, contentType }), true);
      const afterPut = yield* removeOld(store, sha256, put);
      const afterTouch = yield* removeOld(store, sha256, store.touch(sha256));
      const found = Option.getOrThrow(yield* store.get(sha256));
      yield* check(() => {
        assert.deepEqual([afterPut, afterTouch], ["kept", "kept"]);
        assert.deepEqual([...found.bytes], [...bytes]);
      });
    }),
  },
  {
    name: "two that remove the same asset remove it once",
    run: Effect.fnUntraced(function* (store) {
      const { sha256 } = yield* store.put({ bytes, contentType });
      const slow = Effect.as(Effect.yieldNow, true);
      const both = [removeOld(store, sha256, slow), removeOld(store, sha256, slow)];
      const removed = yield* Effect.all(both, { concurrency: "unbounded" });
      const found = yield* store.get(sha256);
      yield* check(() => {
        assert.ok(removed.filter((size) => size === bytes.length).length <= 1);
        assert.ok(Option.isNone(found));
      });
    }),
  },
  {
    name: "assets are listed in order of their names, page by page, each once",
    run: Effect.fnUntraced(function* (store) {
      const made = yield* Effect.forEach([1, 2, 3, 4, 5], (seed) =>
        store.put({ bytes: Uint8Array.of(seed), contentType }),
      );
      const names: Array<string> = [];
      let after: string | null = null;
      do {
        const page: ReadonlyArray<{ readonly sha256: string; readonly sizeBytes: number }> =
          yield* store.list({ after, limit: 2 });
        names.push(...page.map(({ sha256 }) => sha256));
        after = page.at(-1)?.sha256 ?? null;
      } while (after !== null);
      yield* check(() => assert.deepEqual(names, made.map(({ sha256 }) => sha256).toSorted()));
    }),
  },
];

export const assetStoreCases: ReadonlyArray<AssetStoreCase> = [
  {
    name: "what was put comes back, byte for byte and with its type",
    run: Effect.fnUntraced(function* (store) {
      const asset = yield* store.put({ bytes, contentType });
      const found = Option.getOrThrow(yield* store.get(asset.sha256));
      yield* check(() => {
        assert.deepEqual([...found.bytes], [...bytes]);
        assert.equal(found.contentType, contentType);
      });
    }),
  },
  {
    name: "an asset is named by its bytes and says its size, type and place",
    run: Effect.fnUntraced(function* (store) {
      const asset = yield* store.put({ bytes, contentType });
      yield* check(() => {
        assert.equal(asset.sha256, sha256Hex(bytes));
        assert.equal(asset.sizeBytes, bytes.length);
        assert.equal(asset.contentType, contentType);
        assert.ok(URL.canParse(asset.url), `expected a URL, got ${asset.url}`);
      });
    }),
  },
  {
    name: "putting the same bytes again changes nothing, whatever type is claimed",
    run: Effect.fnUntraced(function* (store) {
      const first = yield* store.put({ bytes, contentType });
      const again = yield* store.put({ bytes, contentType: "text/plain" });
      yield* check(() => assert.deepEqual(again, first));
    }),
  },
  {
    name: "many writers of the same bytes agree on one asset",
    run: Effect.fnUntraced(function* (store) {
      const writers = Array.from({ length: 8 }, () => store.put({ bytes, contentType }));
      const assets = yield* Effect.all(writers, { concurrency: "unbounded" });
      yield* check(() =>
        assert.equal(new Set(assets.map((asset) => JSON.stringify(asset))).size, 1),
      );
    }),
  },
  {
    name: "a later change of the caller's buffer does not reach the store",
    run: Effect.fnUntraced(function* (store) {
      const own = Uint8Array.from(bytes);
      const asset = yield* store.put({ bytes: own, contentType });
      own.fill(0);
      const found = Option.getOrThrow(yield* store.get(asset.sha256));
      yield* check(() => assert.deepEqual([...found.bytes], [...bytes]));
    }),
  },
  {
    name: "an unusual type is kept too",
    run: Effect.fnUntraced(function* (store) {
      const asset = yield* store.put({ bytes, contentType: "application/vnd.example+json" });
      const found = Option.getOrThrow(yield* store.get(asset.sha256));
      yield* check(() => assert.equal(found.contentType, "application/vnd.example+json"));
    }),
  },
  {
    name: "no bytes at all are an asset as well",
    run: Effect.fnUntraced(function* (store) {
      const asset = yield* store.put({ bytes: new Uint8Array(), contentType: "text/plain" });
      const found = Option.getOrThrow(yield* store.get(asset.sha256));
      yield* check(() => assert.equal(found.bytes.length, 0));
    }),
  },
  {
    name: "what was never put, or is no hash, is none",
    run: Effect.fnUntraced(function* (store) {
      const absent = yield* store.get("0".repeat(64));
      const senseless = yield* store.get("../../secret");
      yield* check(() => assert.ok(Option.isNone(absent) && Option.isNone(senseless)));
    }),
  },
  ...streamingCases,
  ...removalCases,
];
