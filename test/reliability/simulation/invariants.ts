/** What must hold once a world has come to rest: of every job, and between our ledger and the provider's. */
import { hashJson } from "../../../src/steps/canonical-json.ts";
import type { Entry } from "../../../src/machines/entry.ts";
import type { StateRecord } from "../../../src/runtime/journal-store.ts";
import {
  bookingOf,
  dayOf,
  everybody,
  nothingBooked,
  plus,
} from "../../../src/runtime/journal-stores/spending-rules.ts";
import { journalViolations } from "../journal-invariants.ts";
import { killersOrder } from "./killer.ts";
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
    ...aftermath.mistold,
    ...killerViolations(aftermath),
    ...ledgerViolations(aftermath),
    ...spendingViolations(aftermath),
    ...(kind.faults === 0 && !kind.isCommanded ? doublesIn(aftermath) : []),
  ];
};

/** Three deaths that can be its doing, and one before that may have left no trace. */
const maxKills = 4;

const killerViolations = ({ kills, journals }: Aftermath): ReadonlyArray<string> => {
  const killer = [...journals.files.values()].find(({ job }) => job.idempotencyKey === killersOrder)
    ?.job.record;
  if (kills > maxKills) return [`the killer took down ${kills} processes`];
  return kills < 3 || killer?.failureKind === "defect"
    ? []
    : [`the killer took down ${kills} processes and is ${killer?.status}`];
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
): ReadonlyArray<string> => {
  const driver = drivers.get(`${record.pipeline}@${record.version}`);
  if (driver === undefined) return [`there is no pipeline ${record.pipeline}`];
  const isTooDear = kind.callsADay !== undefined && record.failureKind === "policy";
  // Beside the killer, what was at work itself each time may be held for one.
  const isPoison = kind.hasKiller === true && record.failureKind === "defect";
  const isUnfinished = !kind.isCommanded && record.status !== "complete" && !isTooDear && !isPoison;
  return [
    ...journalViolations({ record, entries, driver }),
    ...(isUnfinished ? [`it is ${record.status}: ${record.errorMessage ?? ""}`] : []),
  ];
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
    // A double is booked for itself: it is no part of what the job was worth.
    const own = predictionKeys.filter((key) => !key.includes("#"));
    const receipts = own.map((key) => journals.predictions.get(key)?.receipt?.costMicros ?? 0);
    const sum = receipts.reduce((total, costMicros) => total + costMicros, 0);
    return Math.abs(sum - record.costMicros) < 0.05
      ? []
      : [`${record.jobId} says it cost ${record.costMicros}, its receipts ${sum}`];
  });
  const mistaken = rows.flatMap(({ key, predictionId, inputHash }) => {
    const made = predictionId === null ? undefined : provider.made.get(predictionId);
    return made === undefined || hashJson(made.input) === inputHash
      ? []
      : [`the intent ${key} was given the prediction ${made.id}, which answers something else`];
  });
  return [...mistaken, ...unbooked, ...dangling, ...running, ...costs];
};

/** What is counted by the day is what the ledger's rows add up to, and nothing is reserved any more. */
const spendingViolations = ({ journals }: Aftermath): ReadonlyArray<string> => {
  const rows = [...journals.predictions.values()];
  const days = [...new Set(rows.map(({ intendedAt }) => dayOf(intendedAt)))];
  return days.flatMap((day) => {
    const ofDay = rows.filter(({ intendedAt }) => dayOf(intendedAt) === day);
    const recount = ofDay.map(bookingOf).reduce(plus, nothingBooked);
    const counted = journals.spending.sum(day, everybody);
    const isRight = counted.spent === recount.spent && counted.reserved === recount.reserved;
    const words = `${JSON.stringify(counted)} is counted, the ledger says ${JSON.stringify(recount)}`;
    if (!isRight) return [`on day ${day} ${words}`];
    return counted.reserved === 0 ? [] : [`on day ${day} ${counted.reserved} is still reserved`];
  });
};

/** With faults off, one prediction for each model step of each job, and none is given up. */
const doublesIn = ({ journals, provider }: Aftermath): ReadonlyArray<string> => {
  const entries = [...journals.files.values()].flatMap((file) => file.entries);
  const timedOut = entries.find(({ type }) => type === "AttemptTimedOut");
  if (timedOut !== undefined) return ["a call timed out whose prediction had ended long before"];
  const due = [...journals.files.values()].flatMap(({ entries }) =>
    entries.filter((entry) => entry.type === "StepSucceeded" && modelSteps.has(entry.path)),
  ).length;
  return provider.made.size === due
    ? []
    : [`${due} model steps were paid with ${provider.made.size} predictions`];
};
