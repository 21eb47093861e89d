/** A value is kept under the step's key, once, however often the step runs. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Effect, Schema } from "effect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Pipeline, PolicyFailure, ProviderFailure, Retry, Steps } from "../../../src/index.ts";
import { paths } from "../../../src/testing.ts";
import { MemoryAssets } from "../../../src/steps/asset-stores/memory.ts";
import { runAlone, runOnFile } from "./alone.ts";

const noAssets = MemoryAssets.layer;

const Lead = Schema.Struct({ name: Schema.String });
const lead = { name: "Ann" };
const away = new ProviderFailure({ provider: "crm", reason: "Unavailable", detail: "away" });

/** A sink that knows its keys, and goes away as often as it is told. */
const sink = (failures = 0) => {
  const kept = new Map<string, unknown>();
  let left = failures;
  const put = async (key: string, value: unknown): Promise<string> => {
    kept.set(key, value);
    if (left-- > 0) throw away;
    return `row ${kept.size}`;
  };
  return { kept, put };
};

describe("a store step", () => {
  test("hands its value on where nothing else is said", async () => {
    const { kept, put } = sink();
    const { outcome } = await runAlone(Steps.store("keep", { input: Lead, put }), lead);
    expect(outcome).toEqual({ status: "complete", output: lead });
    expect([...kept.values()]).toEqual([lead]);
  });

  test("answers what its sink answers, where it says what that is", async () => {
    const { put } = sink();
    const step = Steps.store("keep", { input: Lead, output: Schema.String, put });
    expect((await runAlone(step, lead)).outcome).toEqual({ status: "complete", output: "row 1" });
  });

  test("comes again under the same key after a failure that may pass", async () => {
    const { kept, put } = sink(2);
    const step = Steps.store("keep", { input: Lead, output: Schema.String, put });
    const { outcome, journal } = await runAlone(step, lead);
    expect(outcome).toEqual({ status: "complete", output: "row 1" });
    expect([...kept.keys()]).toEqual([expect.stringMatching(/^[\w-]+\/keep$/)]);
    expect(journal.filter(({ type }) => type === "AttemptFailed")).toHaveLength(2);
  });

  test("takes an Effect, with failures that are declared by its type", async () => {
    const step = Steps.store("keep", {
      input: Lead,
      put: () => Effect.fail(new PolicyFailure({ rule: "no leads on Sundays" })),
    });
    expect((await runAlone(step, lead)).outcome).toMatchObject({ kind: "policy" });
  });

  test("shows `mapError` what was thrown, and what it leaves is a bug", async () => {
    const thrown = new Error("ECONNREFUSED");
    const options = {
      input: Lead,
      put: () => Promise.reject(thrown),
      retry: Retry.none,
    };
    const told: Array<unknown> = [];
    const mapped = Steps.store("keep", {
      ...options,
      mapError: (error) => {
        told.push(error);
        return away;
      },
    });
    expect((await runAlone(mapped, lead)).outcome).toMatchObject({ kind: "provider" });
    expect(told).toEqual([thrown]);
    expect((await runAlone(Steps.store("keep", options), lead)).outcome).toMatchObject({
      kind: "defect",
      failure: { message: "Error: ECONNREFUSED" },
    });
  });

  test("that may not run again is not tried again by default", () => {
    const { put } = sink();
    const step = Steps.store("keep", { input: Lead, put, isRepeatable: false });
    expect(step).toMatchObject({ isRepeatable: false, retry: Retry.none });
  });
});

describe("a folder", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "catena-folder-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  const keep = <V>(input: Schema.Codec<V, unknown>, folder = root) =>
    Steps.store("keep", { input, output: Schema.String, put: Steps.folder(folder) });

  const fileOf = (outcome: { readonly status: string; readonly output?: string }) =>
    readFile(fileURLToPath(outcome.output ?? ""));

  test("is made where it is missing, and keeps a text as text", async () => {
    const { outcome } = await runAlone(keep(Schema.String, join(root, "a/b")), "grüezi");
    expect(outcome).toMatchObject({ output: expect.stringMatching(/\/a\/b\/[\w-]+\.keep\.txt$/) });
    expect((await fileOf(outcome)).toString()).toBe("grüezi");
  });

  test("keeps a value as JSON, and a picture as its bytes", async () => {
    const { outcome } = await runAlone(keep(Lead), lead);
    expect(JSON.parse((await fileOf(outcome)).toString())).toEqual(lead);
    const picture = await runOnFile("image", keep(Schema.Any));
    expect(picture.outcome).toMatchObject({ output: expect.stringMatching(/\.png$/) });
    expect((await fileOf(picture.outcome)).length).toBe(70);
  });

  test("has one whole file a key, whoever writes it and however often", async () => {
    const put = Steps.folder(root);
    const writers = Array.from({ length: 8 }, () => put("job-1/keep", "the same text"));
    const urls = await Effect.runPromise(
      Effect.all(writers, { concurrency: "unbounded" }).pipe(Effect.provide(noAssets)),
    );
    expect(new Set(urls).size).toBe(1);
    expect(await readdir(root)).toEqual(["job-1.keep.txt"]);
  });

  test.for(["../../secret", "a/../b", "job/keep/more", "..", ""])(
    "is not left by a key that names another place: %j",
    async (key) => {
      const url = await Effect.runPromise(
        Effect.provide(Steps.folder(root)(key, "text"), noAssets),
      );
      expect(fileURLToPath(url)).toMatch(new RegExp(`^${root}/[0-9a-f]{64}\\.txt$`));
    },
  );

  test("that is a file is a failure of the folder, after which nothing is left behind", async () => {
    const path = join(root, "file");
    await writeFile(path, "in the way");
    const { outcome } = await runAlone(keep(Schema.String, path), "text");
    expect(outcome).toMatchObject({
      kind: "provider",
      failure: { provider: "folder", reason: "Unavailable" },
    });
    expect(await readdir(root)).toEqual(["file"]);
  });

  test("keeps every promise of a step on every path", async () => {
    const pipeline = Pipeline.make("keeping", { version: 1, input: Schema.String })
      .step(keep(Schema.String))
      .output(Schema.String, ({ last }) => last);
    const suite = paths(pipeline);
    for (const path of suite) await path.run();
    expect(suite.uncovered()).toEqual([]);
    expect(suite.replaced()).toEqual([]);
    expect((await readdir(root)).filter((name) => !/^[\w-]+\.keep\.txt$/.test(name))).toEqual([]);
  });
});
