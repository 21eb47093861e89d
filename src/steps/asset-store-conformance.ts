/** What every AssetStore promises, as cases that any test runner can run against an adapter. */
import assert from "node:assert/strict";
import { Effect, Option } from "effect";
import type { AssetStore } from "./asset-store.ts";
import { sha256Hex } from "./canonical-json.ts";

export interface AssetStoreCase {
  readonly name: string;
  /** Dies with an AssertionError where the promise is broken. Takes a fresh, empty store. */
  readonly run: (store: AssetStore["Service"]) => Effect.Effect<void, unknown>;
}

const bytes = new TextEncoder().encode("a small picture");
const contentType = "image/png";

const check = (assertion: () => void): Effect.Effect<void> => Effect.sync(assertion);

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
];
