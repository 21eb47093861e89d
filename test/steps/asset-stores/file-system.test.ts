/** What the file system adds: readable names, durability over restarts, damage that is said, leftovers removed. */
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import { Effect, Option, Stream } from "effect";
import { TestClock } from "effect/testing";
import { FileSystemAssets } from "../../../src/steps/asset-stores/file-system.ts";

const bytes = new TextEncoder().encode("abc");
const sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const shelf = "ba";
const rest = sha256.slice(2);

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "assets-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true })),
);

const setUp = Effect.gen(function* () {
  const root = yield* folder;
  return { root, store: yield* FileSystemAssets.make(root) };
});

describe("an asset on disk", () => {
  it.effect("is one file that a person can open, and its URL leads there", () =>
    Effect.gen(function* () {
      const { root, store } = yield* setUp;
      const asset = yield* store.put({ bytes, contentType: "image/png" });
      assert.strictEqual(fileURLToPath(asset.url), join(root, shelf, `${rest}.png`));
      assert.deepEqual(yield* Effect.promise(() => readdir(join(root, shelf))), [`${rest}.png`]);
      assert.strictEqual(
        yield* Effect.promise(() => readFile(fileURLToPath(asset.url), "utf8")),
        "abc",
      );
    }),
  );

  it.effect("is found by another process over the same folder", () =>
    Effect.gen(function* () {
      const { root, store } = yield* setUp;
      const asset = yield* store.put({ bytes, contentType: "image/png" });
      const other = yield* FileSystemAssets.make(root);
      assert.isTrue(Option.isSome(yield* other.get(sha256)));
      assert.deepEqual(yield* other.put({ bytes, contentType: "image/gif" }), asset);
    }),
  );

  it.effect("that was damaged is an error, and is not repaired in silence", () =>
    Effect.gen(function* () {
      const { root, store } = yield* setUp;
      yield* store.put({ bytes, contentType: "image/png" });
      yield* Effect.promise(() => writeFile(join(root, shelf, `${rest}.png`), "abX"));
      const read = yield* Effect.flip(store.get(sha256));
      assert.strictEqual(read.operation, "get");
      assert.include(read.message, "is damaged");
      assert.strictEqual(
        (yield* Effect.flip(store.put({ bytes, contentType: "image/png" }))).operation,
        "put",
      );
    }),
  );

  it.effect("that cannot be written is an error and leaves nothing", () =>
    Effect.gen(function* () {
      const { root, store } = yield* setUp;
      yield* Effect.promise(() => writeFile(join(root, shelf), "a file where a folder is due"));
      const failure = yield* Effect.flip(store.put({ bytes, contentType: "image/png" }));
      assert.strictEqual(failure.operation, "put");
      assert.deepEqual(yield* Effect.promise(() => readdir(root)), [shelf]);
    }),
  );
});

describe("bytes on their way in", () => {
  const filesUnder = (root: string) =>
    Effect.promise(async () => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    });
  const contentTypeOf = () => Effect.succeed("image/png");

  it.effect("leave one file when they are there, and none when they break off", () =>
    Effect.gen(function* () {
      const { root, store } = yield* setUp;
      const broken = Stream.concat(Stream.make(bytes), Stream.fail("broken"));
      yield* Effect.flip(store.putStream({ stream: broken, contentTypeOf }));
      assert.deepEqual(yield* filesUnder(root), []);
      for (let time = 0; time < 2; time += 1)
        yield* store.putStream({ stream: Stream.make(bytes), contentTypeOf });
      assert.deepEqual(yield* filesUnder(root), [`${rest}.png`]);
    }),
  );

  it.effect("are removed an hour after a crash", () =>
    Effect.gen(function* () {
      const root = yield* folder;
      yield* TestClock.adjust("10 hours");
      yield* Effect.promise(async () => {
        await mkdir(join(root, "incoming"));
        for (const [name, hour] of [
          ["old", 8.9],
          ["young", 9.1],
        ] as const) {
          await writeFile(join(root, "incoming", `${name}.part`), "half");
          await utimes(join(root, "incoming", `${name}.part`), 0, hour * 3_600);
        }
      });
      yield* FileSystemAssets.make(root);
      assert.deepEqual(yield* filesUnder(root), ["young.part"]);
    }),
  );

  it.effect("are written as they come, and no more is asked for before", () =>
    Effect.gen(function* () {
      const { root, store } = yield* setUp;
      const [piece, count] = [100_000, 20];
      const written = Effect.promise(async () => {
        const [name] = await readdir(join(root, "incoming"));
        return (await stat(join(root, "incoming", name ?? ""))).size;
      });
      const ahead: Array<number> = [];
      const stream = Stream.mapEffect(Stream.range(1, count), (at) =>
        Effect.map(written, (size) => {
          ahead.push((at - 1) * piece - size);
          return new Uint8Array(piece).fill(at);
        }),
      );
      yield* store.putStream({ stream, contentTypeOf });
      assert.deepEqual(
        ahead,
        Array.from({ length: count }, () => 0),
      );
    }),
  );

  it.effect("that were damaged later cannot be opened", () =>
    Effect.gen(function* () {
      const { root, store } = yield* setUp;
      yield* store.putStream({ stream: Stream.make(bytes), contentTypeOf });
      assert.isTrue(Option.isSome(yield* store.open(sha256)));
      yield* Effect.promise(() => writeFile(join(root, shelf, `${rest}.png`), "abX!"));
      assert.include((yield* Effect.flip(store.open(sha256))).message, "is damaged");
    }),
  );
});

describe("opening a folder", () => {
  it.effect("makes it where it is missing", () =>
    Effect.gen(function* () {
      const root = join(yield* folder, "a", "b");
      const store = yield* FileSystemAssets.make(root);
      yield* store.put({ bytes, contentType: "image/png" });
      assert.isTrue(Option.isSome(yield* store.get(sha256)));
    }),
  );

  it.effect("that is a file is an error", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "file");
      yield* Effect.promise(() => writeFile(path, ""));
      assert.strictEqual((yield* Effect.flip(FileSystemAssets.make(path))).operation, "open");
    }),
  );

  it.effect("removes what a crash left more than an hour ago, and nothing else", () =>
    Effect.gen(function* () {
      const root = yield* folder;
      const [old, fresh, foreign] = [`${rest}.1.part`, `${rest}.2.part`, "notes.txt"];
      yield* TestClock.adjust("10 hours");
      yield* Effect.promise(async () => {
        await mkdir(join(root, shelf));
        for (const name of [old, fresh, foreign]) await writeFile(join(root, shelf, name), "half");
        await utimes(join(root, shelf, old), 0, 8.9 * 3_600);
        await utimes(join(root, shelf, foreign), 0, 0);
        await utimes(join(root, shelf, fresh), 0, 9.1 * 3_600);
      });
      const store = yield* FileSystemAssets.make(root);
      const left = yield* Effect.promise(() => readdir(join(root, shelf)));
      assert.sameMembers(left, [fresh, foreign]);
      assert.isTrue(Option.isNone(yield* store.get(sha256)));
    }),
  );

  it.effect("does not mind what another process places, or removes, while it looks", () =>
    Effect.gen(function* () {
      const root = yield* folder;
      const gone = "00000000-0000-0000-0000-000000000000.part";
      yield* Effect.promise(async () => {
        for (const name of ["incoming", shelf]) {
          await mkdir(join(root, name));
          // Listed, and not there when it is looked at: as an upload that was placed in between.
          await symlink(join(root, "nowhere"), join(root, name, gone));
        }
      });
      const store = yield* FileSystemAssets.make(root);
      yield* store.put({ bytes, contentType: "image/png" });
      assert.isTrue(Option.isSome(yield* store.get(sha256)));
    }),
  );
});
