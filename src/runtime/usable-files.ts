/**
 * Which files a job may use: what its tenant holds, so what its own steps made as well; a job of no tenant may use
 * every file. Asked wherever a reference becomes bytes or is handed out, as anybody can write one: a user, a model,
 * a step that reads either. A file of others is answered as one that is not there.
 */
import { Effect, Option, Schedule } from "effect";
import type { Schema } from "effect";
import type { Issue } from "../steps/failure.ts";
import { referencesIn } from "./file-references.ts";
import type { JournalStore } from "./journal-store.ts";

export interface FileUser {
  readonly store: JournalStore["Service"];
  readonly jobId: string;
}

/** Those of the files that the job may use. A store that cannot be read is waited for. */
export const usableFiles = (
  { store, jobId }: FileUser,
  sha256s: ReadonlyArray<string>,
): Effect.Effect<ReadonlySet<string>> => {
  const asked = Effect.flatMap(store.job(jobId), (found) => {
    const job = Option.getOrNull(found);
    if (job === null) return Effect.succeed<ReadonlySet<string>>(new Set());
    const { tenant } = job;
    return tenant === null
      ? Effect.succeed<ReadonlySet<string>>(new Set(sha256s))
      : store.heldAssets({ tenant, sha256s, isUpload: false });
  });
  return Effect.orDie(Effect.retry(asked, Schedule.spaced("500 millis")));
};

const noIssues: Effect.Effect<ReadonlyArray<Issue>> = Effect.succeed([]);

const message = "Expected a file that the job's tenant holds: given to it, uploaded or made by it";

/** What of the JSON refers to files that the job may not use. Without a reference in it nobody is asked. */
export const unusableIn = (
  user: FileUser,
  json: Schema.Json,
): Effect.Effect<ReadonlyArray<Issue>> => {
  const found = referencesIn(json);
  if (found.length === 0) return noIssues;
  const sha256s = [...new Set(found.map(({ sha256 }) => sha256))];
  return Effect.map(usableFiles(user, sha256s), (usable) =>
    found.flatMap(({ sha256, path }) => (usable.has(sha256) ? [] : [{ path, message }])),
  );
};
