/** A job's journal as it lies in the file, read without starting Catena: nothing is resumed by looking. */
import { existsSync } from "node:fs";
import { Effect } from "effect";
import { type Entry, SqliteJournalStore, type StateRecord } from "../../../src/index.ts";
import { UsageError } from "./arguments.ts";
import { dollars } from "./money.ts";

/** The lines of that job's journal, or of the newest job's. Rejects with UsageError where there is none. */
export const journalLines = async (
  storePath: string,
  jobId: string | null,
): Promise<ReadonlyArray<string>> => {
  if (!existsSync(storePath))
    throw new UsageError(`there is no journal at ${storePath} yet: npm run demo`);
  const read = Effect.gen(function* () {
    const store = yield* SqliteJournalStore.make({ path: storePath });
    const jobs = yield* store.jobs({ limit: 1_000 });
    const found = jobs.find(({ record }) => jobId === null || record.jobId === jobId);
    if (found === undefined)
      return yield* Effect.die(new UsageError(`${storePath} has no job ${jobId ?? ""}`));
    const { record } = found;
    const entries = yield* store.entries(record.jobId);
    return [...headOf(record), ...entries.map((entry) => line(entry, entries[0]?.at ?? entry.at))];
  });
  return Effect.runPromise(Effect.scoped(read));
};

const headOf = ({ jobId, pipeline, version, status, currentStep, costMicros }: StateRecord) => [
  `Job ${jobId} of ${pipeline} ${version}: ${status}${currentStep === null ? "" : ` at ${currentStep}`}, ${dollars(costMicros)}`,
];

const line = (entry: Entry, from: number): string => {
  const { type, seq, at, ...rest } = entry;
  const text = Object.entries(rest).map(([name, value]) => `${name}=${brief(value)}`);
  return `${String(seq).padStart(4)}  +${((at - from) / 1_000).toFixed(2)}s  ${type.padEnd(19)} ${text.join(" ")}`;
};

/** Values may be long; what does not fit a line is cut. */
const brief = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
};
