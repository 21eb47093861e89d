/** Both asset stores under the one suite. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "@effect/vitest";
import { Effect } from "effect";
import { assetStoreCases } from "../../../src/steps/asset-store-conformance.ts";
import { FileSystemAssets } from "../../../src/steps/asset-stores/file-system.ts";
import { MemoryAssets } from "../../../src/steps/asset-stores/memory.ts";

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "assets-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true })),
);

describe("memory", () => {
  it.effect.each(assetStoreCases)("$name", ({ run }) => run(MemoryAssets.make()));
});

describe("file system", () => {
  it.effect.each(assetStoreCases)("$name", ({ run }) =>
    folder.pipe(Effect.flatMap(FileSystemAssets.make), Effect.flatMap(run)),
  );
});
