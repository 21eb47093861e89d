/** What must hold of every journal, simulated or real, whatever happened to its job's owners. */
import type { JobDriver } from "../../src/machines/advance.ts";
import type { Entry } from "../../src/machines/entry.ts";
import type { StateRecord } from "../../src/runtime/journal-store.ts";
import { recordAfter } from "../../src/runtime/jobs/state-record.ts";

export interface Journal {
  readonly record: StateRecord;
  readonly entries: ReadonlyArray<Entry>;
  readonly driver: JobDriver;
}

/** What does not hold of the journal of a job that is at rest, in words; none where all does. */
export const journalViolations = (journal: Journal): ReadonlyArray<string> => {
  const { entries } = journal;
  return [
    ...holesIn(entries),
    ...foldViolations(journal),
    ...intentViolations(entries),
    ...attemptViolations(entries),
    ...pauseViolations(entries),
    ...endViolations(entries),
  ];
};

const holesIn = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> =>
  entries.flatMap(({ seq }, index) =>
    seq === index + 1 ? [] : [`entry ${index + 1} has seq ${seq}`],
  );

/** The journal folds, and what it folds to is the record that a person reads. */
const foldViolations = ({ record, entries, driver }: Journal): ReadonlyArray<string> => {
  let snapshot = driver.initial;
  let folded: StateRecord = { ...record, ...blank };
  for (const entry of entries) {
    const advanced = driver.advance(snapshot, entry);
    if (!advanced.isAccepted) return [`entry ${entry.seq} (${entry.type}) does not fit`];
    snapshot = advanced.snapshot;
    folded = recordAfter(folded, [entry], snapshot);
  }
  const open = Object.keys(snapshot.context.open);
  return [
    ...compared.flatMap((field) => {
      const [is, shouldBe] = [JSON.stringify(record[field]), JSON.stringify(folded[field])];
      return is === shouldBe ? [] : [`${field} is ${is}, the journal says ${shouldBe}`];
    }),
    ...open.map((key) => `the intent ${key} is open in the journal`),
  ];
};

const blank = {
  detail: null,
  currentStep: null,
  attempt: 0,
  normalizedOutput: null,
  errorMessage: null,
  failureKind: null,
  rawReference: null,
  costMicros: 0,
  waiting: null,
} as const;

const compared = [
  "status",
  "detail",
  "currentStep",
  "normalizedOutput",
  "errorMessage",
  "failureKind",
  "rawReference",
  "costMicros",
  "waiting",
  "updatedAt",
] as const;

const closing: ReadonlySet<Entry["type"]> = new Set([
  "PredictionSettled",
  "PredictionRejected",
  "PredictionAbsent",
  "PredictionUnconfirmed",
]);
const reasons: ReadonlySet<Entry["type"]> = new Set([
  "PredictionRejected",
  "PredictionAbsent",
  "AttemptFailed",
  "OutputRejected",
  "RetryRequested",
]);

/** At most one open intent of a step; a further one only after a journaled failure, a no, or Absent. */
const intentViolations = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  const found: Array<string> = [];
  const open = new Map<string, string>();
  const mayIntend = new Map<string, boolean>();
  const settled = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "PredictionIntended") {
      const other = open.get(entry.path);
      if (other !== undefined) found.push(`${entry.key} is intended while ${other} is open`);
      if (mayIntend.get(entry.path) === false)
        found.push(`${entry.key} is intended without a reason`);
      open.set(entry.path, entry.key);
      mayIntend.set(entry.path, false);
    }
    if ("key" in entry && closing.has(entry.type) && open.get(entry.path) === entry.key)
      open.delete(entry.path);
    if (reasons.has(entry.type))
      for (const path of mayIntend.keys())
        if (!("path" in entry) || entry.path === path) mayIntend.set(path, true);
    if (entry.type !== "PredictionSettled") continue;
    if (settled.has(entry.key)) found.push(`${entry.key} is settled twice`);
    settled.add(entry.key);
  }
  return found;
};

/** Attempts count on by one; a committed step does not begin again. */
const attemptViolations = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  const found: Array<string> = [];
  const attempts = new Map<string, number>();
  const done = new Set<string>();
  for (const entry of entries) {
    if (entry.type === "StepStarted") {
      const before = attempts.get(entry.path) ?? 0;
      if (entry.attempt !== before + 1)
        found.push(`attempt ${entry.attempt} of ${entry.path} follows attempt ${before}`);
      if (done.has(entry.path)) found.push(`${entry.path} begins after it succeeded`);
      attempts.set(entry.path, entry.attempt);
    }
    if (entry.type === "StepSucceeded") done.add(entry.path);
  }
  return found;
};

/** Nothing begins while a job is paused. */
const pauseViolations = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  let isPaused = false;
  return entries.flatMap((entry) => {
    if (entry.type === "PauseRequested") isPaused = true;
    if (entry.type === "ResumeRequested" || entry.type === "CancelRequested") isPaused = false;
    const begins =
      entry.type === "StepStarted" ||
      entry.type === "PredictionIntended" ||
      entry.type === "SignalAwaited";
    return isPaused && begins ? [`${entry.type} ${entry.seq} while paused`] : [];
  });
};

/** After the end there is only bookkeeping. */
const endViolations = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  const end = entries.findIndex(({ type }) => type === "JobCompleted" || type === "JobCancelled");
  if (end < 0) return [];
  return entries
    .slice(end + 1)
    .filter((entry) => entry.type !== "Claimed" && !entry.type.startsWith("Prediction"))
    .map(({ type }) => `${type} after the end`);
};
