/**
 * What is erased is gone from the disk: after an erase no row of any table holds a byte of the job's input, outputs,
 * answers, requests, failures, key or files, nor does the log or the folder of assets. Copies of rows that SQLite once
 * moved may lie in unused parts of its pages until they are used again; a VACUUM takes them away.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Schema } from "effect";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Asset, Catena, Functions, Parse, Pipeline, Step } from "../../../src/index.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "catena-canary-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Files under the folder in which one of the words stands. */
const filesWith = async (...words: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const found = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const bytes = await readFile(join(parentPath, name));
      return words.some((word) => bytes.includes(word)) ? [name] : [];
    }),
  );
  return found.flat();
};

/** Another connection to the file, as an operator would open it. */
const withDatabase = <A>(use: (db: DatabaseSync) => A): A => {
  const db = new DatabaseSync(join(folder, "jobs.db"));
  try {
    return use(db);
  } finally {
    db.close();
  }
};

/** Tables in which one of the words stands, in whatever column. */
const tablesWith = (...words: ReadonlyArray<string>): ReadonlyArray<string> =>
  withDatabase((db) =>
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map(({ name }) => String(name))
      .filter((name) => {
        const text = db
          .prepare(`SELECT * FROM "${name}"`)
          .all()
          .flatMap((row) => Object.values(row))
          .join("\n");
        return words.some((word) => text.includes(word));
      }),
  );

/** As docs/retention.md tells. */
const compact = (): void => {
  withDatabase((db) => {
    db.exec("VACUUM");
    db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  });
};

const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

const Text = Schema.Struct({ text: Schema.String });

const numberIn = (prompt: unknown): number => Number(/\d+/.exec(JSON.stringify(prompt))?.[0]);

const models = Functions.client({
  models: {
    writer: {
      // Every third answer is too large for an entry.
      run: ({ prompt }) => {
        const size = numberIn(prompt) % 3 === 0 ? 90_000 : 2_000;
        return JSON.stringify({ text: `ANSWER-${JSON.stringify(prompt)}-${"a".repeat(size)}` });
      },
    },
    painter: {
      run: ({ prompt }) => {
        const picture = Buffer.concat([pixel, Buffer.from(`PIXELS-${numberIn(prompt)}-`)]);
        return `data:image/png;base64,${picture.toString("base64")}`;
      },
    },
  },
});

const write = Step.model("write", {
  input: Schema.String,
  output: Text,
  model: "writer",
  request: (prompt) => ({ prompt }),
});
const paint = Step.model("paint", {
  input: Text,
  output: Asset.Image,
  model: "painter",
  parse: Parse.file,
  request: ({ text }) => ({ prompt: text.slice(0, 40) }),
});
const check = Step.make("check", {
  input: Asset.Image,
  output: Asset.Image,
  run: (image) => image,
});
/** Every fourth job fails, and its failure says why. */
const judge = Step.make("judge", {
  input: Schema.String,
  output: Schema.String,
  run: (text) => {
    if (numberIn(text) % 4 === 3) throw new Error(`REFUSED ${text.slice(0, 40)}`);
    return text;
  },
});

const pipeline = Pipeline.make("canary", { version: 1, input: Schema.String })
  .step(write)
  .step(paint)
  .step(check)
  .step(judge, ({ outputs }) => outputs.write.text)
  .output(Schema.Struct({ text: Schema.String, url: Schema.String }), ({ outputs }) => ({
    text: outputs.judge,
    url: outputs.check.url,
  }));

const traces = (number: number) => [`CANARY-${number}-`, `KEY-${number}-`, `PIXELS-${number}-`];

const jobs = 24;

const start = () =>
  Catena.start({
    pipelines: [pipeline],
    store: join(folder, "jobs.db"),
    models,
    pollEvery: "10 millis",
  });

test("no byte of an erased job stays on the disk", { timeout: 60_000 }, async () => {
  await using catena = await start();
  const ids = await Promise.all(
    Array.from({ length: jobs }, async (_, number) => {
      const input = `CANARY-${number}-${"i".repeat(number * 40)}`;
      const job = await catena.submit(pipeline, input, { idempotencyKey: `KEY-${number}-` });
      await job.outcome();
      return job.id;
    }),
  );
  for (let number = 0; number < jobs; number += 1)
    expect(await filesWith(...traces(number)), `before, job ${number}`).not.toEqual([]);
  for (const [number, id] of ids.entries()) {
    if (number % 2 === 0 && number > 0) continue;
    const { record, assets } = await catena.erase(id);
    expect(record.status).toBe(number % 4 === 3 ? "failed" : "complete");
    expect(assets.count).toBeGreaterThanOrEqual(1);
  }
  const isErasedAt = (number: number): boolean => number % 2 === 1 || number === 0;
  for (const number of [...ids.keys()].filter(isErasedAt)) {
    expect(tablesWith(...traces(number)), `in a table, job ${number}`).toEqual([]);
    const found = await filesWith(...traces(number));
    expect(found.filter((name) => name !== "jobs.db")).toEqual([]);
  }
  compact();
  for (const number of ids.keys()) {
    const isErased = isErasedAt(number);
    const found = await filesWith(...traces(number));
    if (isErased) expect(found, `after, job ${number}`).toEqual([]);
    else expect(found, `kept, job ${number}`).not.toEqual([]);
  }
  for (const [number, id] of ids.entries()) {
    if (number % 2 === 1 || number === 0) continue;
    const kept = await catena.job(pipeline, id);
    expect((await kept.result()).text).toContain(`CANARY-${number}-`);
  }
});

test("no byte of a pruned raw answer stays on the disk", { timeout: 60_000 }, async () => {
  {
    await using catena = await start();
    const job = await catena.submit(pipeline, "CANARY-9-");
    await job.result();
    expect(await filesWith('"completedAt"')).not.toEqual([]);
  }
  await using catena = await Catena.start({
    pipelines: [pipeline],
    store: join(folder, "jobs.db"),
    models,
    retention: { rawAnswers: "1 millis", every: "30 days" },
  });
  const dry = await catena.prune({ dryRun: true });
  expect(dry.rawAnswers).toMatchObject({ count: 2, ageMs: 1 });
  expect(dry.assets.count).toBe(1);
  expect({ ...(await catena.prune()), isDryRun: true }).toEqual(dry);
  // What only a raw answer says: when the model had finished.
  expect(await filesWith('"completedAt"')).toEqual([]);
});
