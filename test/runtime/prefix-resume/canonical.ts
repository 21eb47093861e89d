/**
 * A journal without what a crash may change: who owned the job, when things happened, how the seqs
 * shifted, which chance made the keys, and the intents that came to nothing because they were never sent.
 */
import type { Schema } from "effect";
import type { Entry, EntryOf, Value } from "../../../src/machines/entry.ts";

export const canonical = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  const absent = keysOf(entries, "PredictionAbsent");
  const told = entries.filter(
    (entry) => entry.type !== "Claimed" && !("key" in entry && absent.has(entry.key)),
  );
  const seqs = new Map(told.map(({ seq }, index) => [seq, index + 1]));
  const keys = new Map([...keysOf(told, "PredictionIntended")].map((key, n) => [key, `key-${n}`]));
  const rename = (_: string, value: unknown): unknown =>
    typeof value === "string" ? (keys.get(value) ?? value) : value;
  return told.map((entry, index) => ({
    // Keys stand in the entries and in the raw answers alike.
    ...plain(JSON.parse(JSON.stringify(timeless(entry, seqs), rename))),
    seq: index + 1,
    at: 0,
  }));
};

const keysOf = (entries: ReadonlyArray<Entry>, type: Entry["type"]): ReadonlySet<string> =>
  new Set(entries.flatMap((entry) => (entry.type === type && "key" in entry ? [entry.key] : [])));

/** JSON of an entry is an entry again. */
const plain = (json: Entry): Entry => json;

const timeless = (entry: Entry, seqs: ReadonlyMap<number, number>): Entry => {
  if (entry.type === "PredictionAccepted")
    return { ...entry, isAdopted: false, predictionId: "id" };
  if (entry.type === "PredictionIntended") return { ...entry, call: 1 };
  if (entry.type === "PredictionSettled") return settledAtNoTime(entry);
  if (entry.type !== "StepStarted" || !("entry" in entry.input)) return entry;
  return { ...entry, input: { entry: seqs.get(entry.input.entry) ?? 0 } };
};

const settledAtNoTime = (entry: EntryOf<"PredictionSettled">): Entry => ({
  ...entry,
  predictionId: "id",
  raw: outputOf(entry.raw),
  files: entry.files.map(({ asset }) => ({ url: "url", asset })),
  receipt: { ...entry.receipt, predictionId: "id", metrics: {} },
});

/** All but the output is of this one prediction: its id, its times, its own URLs. */
const outputOf = (raw: Value): Value => {
  const json: Schema.Json = "json" in raw ? raw.json : null;
  const isRecord = typeof json === "object" && json !== null && !Array.isArray(json);
  const output = isRecord && "output" in json ? json["output"] : null;
  const isFile = typeof output === "string" || Array.isArray(output);
  return {
    json: {
      output: isFile && JSON.stringify(output).includes("http://") ? "url" : (output ?? null),
    },
  };
};
