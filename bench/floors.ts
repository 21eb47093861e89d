/**
 * What the same chain costs without Catena: plain Effect, plain Effect with one SQLite insert a step
 * and nothing else (no job row, no queue, no recovery), and the disk's own flush.
 */
import { fdatasyncSync, closeSync, openSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Effect } from "effect";
import { firstPage, type Page, perSecond, turn } from "./chain.ts";

type Keep = (page: Page, position: number) => void;

const chain = (length: number, keep: Keep): Effect.Effect<Page> =>
  Effect.gen(function* () {
    let page = firstPage;
    for (let position = 0; position < length; position++) {
      page = yield* Effect.sync(() => turn(page));
      yield* Effect.sync(() => {
        keep(page, position);
      });
    }
    return page;
  });

interface Load {
  readonly total: number;
  readonly width: number;
  readonly length: number;
}

/** Chains a second of plain Effect. */
export const plainChains = (load: Load): Promise<number> =>
  perSecond(load, () => Effect.runPromise(chain(load.length, () => undefined)));

/** Chains a second with one committed insert a step. */
export const chainsWithInserts = async (
  path: string,
  { synchronous, ...load }: Load & { readonly synchronous: "NORMAL" | "FULL" },
): Promise<number> => {
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
  db.exec(
    "CREATE TABLE IF NOT EXISTS outputs (job INTEGER, step INTEGER, output TEXT, PRIMARY KEY (job, step))",
  );
  const insert = db.prepare("INSERT INTO outputs VALUES (?, ?, ?)");
  // The second run goes on where the first one ended.
  let jobs = Number(
    db.prepare("SELECT coalesce(max(job), 0) AS jobs FROM outputs").get()?.["jobs"],
  );
  try {
    return await perSecond(load, () => {
      jobs += 1;
      const job = jobs;
      const keep: Keep = (page, position) => {
        insert.run(job, position, JSON.stringify(page));
      };
      return Effect.runPromise(chain(load.length, keep));
    });
  } finally {
    db.close();
  }
};

/** Writes of 1 KB, each flushed, a second. */
export const flushes = (path: string, total: number): number => {
  const file = openSync(path, "w");
  const bytes = new TextEncoder().encode(JSON.stringify(firstPage));
  try {
    const begun = performance.now();
    for (let written = 0; written < total; written++) {
      writeSync(file, bytes);
      fdatasyncSync(file);
    }
    return (total * 1000) / (performance.now() - begun);
  } finally {
    closeSync(file);
  }
};
