/** What must be true of every job once it rests, whatever happened on its way: said in words where it is not. */
import type { JobDriver } from "../../machines/advance.ts";
import type { Entry } from "../../machines/entry.ts";
import type { PlannedPath } from "../../machines/paths.ts";
import { foldJournal } from "../../machines/paths/point.ts";
import { standingAfter } from "../../machines/paths/world.ts";
import { initialContext } from "../../machines/context.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import { record as fold } from "../../machines/record.ts";
import { misplacedIn } from "./machine-states.ts";
import type { PredictionRow, StateRecord } from "../journal-store.ts";
import { isOpen } from "../journal-stores/write-rules.ts";
import { statusOf } from "../jobs/state-record.ts";

export interface Rested {
  readonly plan: PipelinePlan;
  readonly driver: JobDriver;
  readonly path: PlannedPath;
  readonly entries: ReadonlyArray<Entry>;
  readonly record: StateRecord;
  readonly rows: ReadonlyArray<PredictionRow>;
  /** How many predictions the provider made under each key. */
  readonly created: ReadonlyMap<string, number>;
}

/** Every promise that is not kept, one sentence each. */
export const problemsOf = (rested: Rested): ReadonlyArray<string> =>
  [
    endsAsPlanned,
    foldsToTheRecord,
    standsWhereItsFoldSays,
    nothingAfterTheEnd,
    outputsAreKept,
    attemptsGrow,
    onePredictionForEachIntent,
    oneOpenCallForEachStep,
    oneSignalForEachStep,
    factsAreThePlanned,
  ].flatMap((check) => check(rested));

type Check = (rested: Rested) => ReadonlyArray<string>;

const when = (isBroken: boolean, problem: string): ReadonlyArray<string> =>
  isBroken ? [problem] : [];

const endsAsPlanned: Check = ({ path, record }) =>
  when(
    !path.ends.some(
      ({ standing, failureKind }) =>
        standing === record.status && failureKind === record.failureKind,
    ),
    `expected the job ${[...new Set(path.ends.map(showEnd))].join(" or ")}, it is ${showEnd({ standing: record.status, failureKind: record.failureKind })}`,
  );

const showEnd = ({ standing, failureKind }: { standing: string; failureKind: string | null }) =>
  failureKind === null ? standing : `${standing} (${failureKind} failure)`;

const foldsToTheRecord: Check = ({ driver, entries, record }) => {
  const holes = entries.filter((entry, index) => entry.seq !== index + 1);
  const accepted = entries.every((_, index) => accepts(driver, entries, index));
  if (!accepted || holes.length > 0) return ["the machine does not accept the journal it wrote"];
  const snapshot = driver.fold(entries);
  const { context } = snapshot;
  return [
    ...when(
      statusOf(snapshot) !== record.status ||
        (context.failure?.kind ?? null) !== record.failureKind,
      `the journal folds to ${statusOf(snapshot)}, the record says ${record.status}`,
    ),
    ...when(context.costMicros !== record.costMicros, "the journal's cost is not the record's"),
  ];
};

/** The first misplacement tells; what follows it follows from it. */
const standsWhereItsFoldSays: Check = ({ plan, driver, entries }) =>
  misplacedIn(plan, driver, entries).slice(0, 1);

/** Folding throws at the first entry that does not fit; it is looked at alone here. */
const accepts = (driver: JobDriver, entries: ReadonlyArray<Entry>, index: number): boolean => {
  if (index > 0) return true;
  try {
    driver.fold(entries);
    return true;
  } catch {
    return false;
  }
};

const bookings: ReadonlySet<string> = new Set([
  "PredictionAccepted",
  "PredictionRejected",
  "PredictionUnknown",
  "PredictionAbsent",
  "PredictionSettled",
  "PredictionUnconfirmed",
  "Claimed",
]);

const nothingAfterTheEnd: Check = ({ entries }) => {
  let context = initialContext;
  let isOver = false;
  const late: Array<string> = [];
  let standing: ReturnType<typeof foldJournal>["standing"] = "queued";
  for (const entry of entries) {
    if (isOver && !bookings.has(entry.type)) late.push(entry.type);
    standing = standingAfter(standing, context, entry);
    context = fold(context, entry);
    isOver ||= standing === "complete" || standing === "cancelled";
  }
  return when(late.length > 0, `after the job's end there is ${late.join(", ")}`);
};

const outputsAreKept: Check = ({ plan, entries, record }) => {
  const succeeded = entries.flatMap((entry) =>
    entry.type === "StepSucceeded" ? [entry.path] : [],
  );
  const planned = plan.nodes.map(({ path }) => path).slice(0, succeeded.length);
  return [
    ...when(
      succeeded.join() !== planned.join(),
      `expected outputs of ${planned.join(", ")} in this order and once each, got ${succeeded.join(", ")}`,
    ),
    ...when(
      record.status === "complete" && succeeded.length !== plan.nodes.length,
      "the job is complete without the outputs of all steps",
    ),
  ];
};

const attemptsGrow: Check = ({ plan, entries }) =>
  plan.nodes.flatMap(({ path }) => {
    const attempts = entries.flatMap((entry) =>
      entry.type === "StepStarted" && entry.path === path ? [entry.attempt] : [],
    );
    const isGrowing = attempts.every((attempt, index) => attempt === index + 1);
    return when(!isGrowing, `the attempts of ${path} are ${attempts.join(", ")}`);
  });

const closings: ReadonlySet<string> = new Set([
  "PredictionSettled",
  "PredictionRejected",
  "PredictionAbsent",
  "PredictionUnconfirmed",
]);

const onePredictionForEachIntent: Check = ({ entries, rows, created, record }) => {
  const intents = entries.flatMap((entry) =>
    entry.type === "PredictionIntended" ? [entry.key] : [],
  );
  const closingsOf = (key: string) =>
    entries.flatMap((entry) =>
      closings.has(entry.type) && "key" in entry && entry.key === key ? [entry.type] : [],
    );
  const own = rows.filter(({ jobId, state }) => jobId === record.jobId && state !== "reused");
  return [
    ...when(new Set(intents).size !== intents.length, "an intent's key is used twice"),
    ...when(
      own
        .map(({ key }) => key)
        .toSorted()
        .join() !== intents.toSorted().join(),
      "the ledger's rows are not the journal's intents",
    ),
    ...[...created].flatMap(([key, count]) => [
      ...when(count > 1, `${count} predictions were made of the intent ${key}`),
      ...when(!intents.includes(key), `a prediction was made of ${key}, which the journal lacks`),
    ]),
    ...own.filter(isOpen).map(({ key, state }) => `the intent ${key} is still ${state}`),
    ...intents.flatMap((key) => {
      const all = closingsOf(key).filter((type) => type !== "PredictionUnconfirmed");
      const isClosed = all.length === 1 || (all.length === 0 && closingsOf(key).length === 1);
      return when(
        !isClosed,
        `the intent ${key} is closed by ${closingsOf(key).join(", ") || "nothing"}`,
      );
    }),
  ];
};

const oneOpenCallForEachStep: Check = ({ entries }) => {
  let context = initialContext;
  const problems: Array<string> = [];
  for (const entry of entries) {
    const open = Object.values(context.open);
    if (entry.type === "PredictionIntended" && open.some(({ path }) => path === entry.path))
      problems.push(`${entry.path} intends ${entry.key} while another call of it is open`);
    context = fold(context, entry);
  }
  return problems;
};

/** Another one counts only once a RETRY has let go of the one before. */
const oneSignalForEachStep: Check = ({ entries }) => {
  let context = initialContext;
  const problems: Array<string> = [];
  for (const entry of entries) {
    if (entry.type === "SignalReceived" && entry.path in context.signals)
      problems.push(`the signal ${entry.path} is taken a second time`);
    context = fold(context, entry);
  }
  return problems;
};

/** Who owns the job is no part of its story: one that rested is claimed again. */
const isOfTheStory = (type: string): boolean => type !== "Claimed";

const factsAreThePlanned: Check = ({ path, entries }) => {
  if (path.facts === null) return [];
  const planned = path.facts.filter(isOfTheStory);
  const types = entries.map(({ type }) => type).filter(isOfTheStory);
  const own = types.slice(0, planned.length);
  const later = types.slice(planned.length).filter((type) => !bookings.has(type));
  return when(
    own.join() !== planned.join() || later.length > 0,
    `expected the facts ${planned.join(", ")}, got ${types.join(", ")}`,
  );
};
