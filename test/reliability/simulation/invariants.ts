/** What must hold once a world has come to rest: of every job, and between our ledger and the provider's. */
import type { Entry } from "../../../src/machines/entry.ts";
import type { StateRecord } from "../../../src/runtime/journal-store.ts";
import { recordAfter } from "../../../src/runtime/state-record.ts";
import { drivers, modelSteps } from "./pipelines.ts";
import type { Aftermath, WorldKind } from "./world.ts";

/** The first thing that does not hold, in words; none where all does. */
export const violationsOf = (aftermath: Aftermath, kind: WorldKind): ReadonlyArray<string> => {
  if (aftermath.reports.length > 0) return aftermath.reports;
  if (!aftermath.isAtRest) return [`it does not come to rest: ${unrest(aftermath)}`];
  const { files } = aftermath.journals;
  const lost = [...aftermath.submitted].filter((jobId) => !files.has(jobId));
  return [
    ...lost.map((jobId) => `${jobId} was acknowledged and is lost`),
    ...[...files.values()].flatMap(({ job, entries }) =>
      jobViolations(job.record, entries, kind).map((found) => `${job.record.jobId}: ${found}`),
    ),
    ...ledgerViolations(aftermath),
    ...(kind.faults === 0 && !kind.isCommanded ? doublesIn(aftermath) : []),
  ];
};

const unrest = ({ journals, provider }: Aftermath): string => {
  const jobs = [...journals.files.values()].map(
    ({ job: { record, owner } }) =>
      `${record.jobId} ${record.status} ${record.detail ?? ""} at ${record.currentStep ?? "-"}, owner ${owner ?? "-"}, waits for ${record.waiting?.waitingFor ?? "-"}`,
  );
  return [
    ...jobs,
    `open: ${[...journals.openKeys].join(" ")}`,
    `unread: ${[...journals.unread].map(({ job }) => job.record.jobId).join(" ")}`,
    `running remotely: ${provider.running().length}`,
  ].join("; ");
};

const jobViolations = (
  record: StateRecord,
  entries: ReadonlyArray<Entry>,
  kind: WorldKind,
): ReadonlyArray<string> => [
  ...holesIn(entries),
  ...foldViolations(record, entries),
  ...intentViolations(entries),
  ...attemptViolations(entries),
  ...pauseViolations(entries),
  ...endViolations(entries),
  ...(!kind.isCommanded && record.status !== "complete"
    ? [`it is ${record.status}: ${record.errorMessage ?? ""}`]
    : []),
];

const holesIn = (entries: ReadonlyArray<Entry>): ReadonlyArray<string> =>
  entries.flatMap(({ seq }, index) =>
    seq === index + 1 ? [] : [`entry ${index + 1} has seq ${seq}`],
  );

/** The journal folds, and what it folds to is the record that a person reads. */
const foldViolations = (
  record: StateRecord,
  entries: ReadonlyArray<Entry>,
): ReadonlyArray<string> => {
  const driver = drivers.get(`${record.pipeline}@${record.version}`);
  if (driver === undefined) return [`there is no pipeline ${record.pipeline}`];
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
    const begins = entry.type === "StepStarted" || entry.type === "PredictionIntended";
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

/** Every prediction has one row and one receipt, to the cent; every other row says that there is none. */
const ledgerViolations = ({ journals, provider }: Aftermath): ReadonlyArray<string> => {
  const rows = [...journals.predictions.values()];
  const bill = provider.bill();
  const unbooked = [...bill].flatMap(([id, costMicros]) => {
    const booked = rows.filter(({ predictionId }) => predictionId === id);
    const receipt = booked[0]?.receipt;
    if (booked.length !== 1 || receipt == null)
      return [`the prediction ${id} has ${booked.length} rows, receipt ${JSON.stringify(receipt)}`];
    return receipt.costMicros === costMicros
      ? []
      : [`the prediction ${id} cost ${costMicros}, its receipt says ${receipt.costMicros}`];
  });
  const dangling = rows
    .filter(
      ({ predictionId, state }) =>
        predictionId === null && state !== "absent" && state !== "rejected",
    )
    .map(({ key, state }) => `the row ${key} without a prediction is ${state}`);
  const running = provider.running().map(({ id }) => `the prediction ${id} runs on`);
  const costs = [...journals.files.values()].flatMap(({ job: { record }, predictionKeys }) => {
    const receipts = predictionKeys.map(
      (key) => journals.predictions.get(key)?.receipt?.costMicros ?? 0,
    );
    const sum = receipts.reduce((total, costMicros) => total + costMicros, 0);
    return Math.abs(sum - record.costMicros) < 0.05
      ? []
      : [`${record.jobId} says it cost ${record.costMicros}, its receipts ${sum}`];
  });
  return [...unbooked, ...dangling, ...running, ...costs];
};

/** With faults off, one prediction for each model step of each job. */
const doublesIn = ({ journals, provider }: Aftermath): ReadonlyArray<string> => {
  const due = [...journals.files.values()].flatMap(({ entries }) =>
    entries.filter((entry) => entry.type === "StepSucceeded" && modelSteps.has(entry.path)),
  ).length;
  return provider.made.size === due
    ? []
    : [`${due} model steps were paid with ${provider.made.size} predictions`];
};
