/**
 * What is seen while a job runs. On a terminal one line is rewritten in place under those that stay;
 * elsewhere every entry has its line, and a silence says now and then what it waits for.
 */
import { styleText } from "node:util";
import type { Entry, JobState, Observation, StateRecord } from "../../../src/index.ts";
import { type EntryLine, lineOf, seconds } from "./entry-line.ts";
import { dollars } from "./money.ts";
import type { Screen } from "./screen.ts";

export interface Progress {
  /** Shows this job from here on; what it has done before is only remembered. */
  readonly begin: (state: JobState) => void;
  readonly observe: (observation: Observation) => void;
  readonly end: () => void;
}

const terminalTickMs = 100;
const plainTickMs = 2_000;
const stepColumn = 8;

export const makeProgress = (screen: Screen, costNote: string): Progress => {
  const startedAt = Date.now();
  const beganAt = new Map<string, number>();
  const early: Array<Observation> = [];
  let record: StateRecord | null = null;
  let attempt = 0;
  let lastSeq = 0;

  const note = (entry: Entry): void => {
    lastSeq = Math.max(lastSeq, entry.seq);
    if (entry.type !== "StepStarted") return;
    if (!beganAt.has(entry.path)) beganAt.set(entry.path, entry.at);
    attempt = entry.attempt;
  };
  const show = (entry: Entry, cost: number): void => {
    const line =
      entry.type === "StepSucceeded"
        ? doneLine(entry, beganAt, `${dollars(cost)} so far, ${costNote}`)
        : lineOf(entry);
    if (line === null || (line.weight === "detail" && screen.isTerminal)) return;
    screen.write(
      `  ${stamp(entry.at - startedAt)}  ${line.path.padEnd(stepColumn)} ${styled(line, screen)}`,
    );
  };
  const follow = (observation: Observation): void => {
    for (const entry of observation.entries) {
      if (entry.seq <= lastSeq) continue;
      note(entry);
      show(entry, observation.record.costMicros);
    }
    record = observation.record;
  };
  const tick = (): void => {
    if (record?.waiting == null) return;
    const { currentStep } = record;
    const since = beganAt.get(currentStep ?? "") ?? record.waiting.since;
    screen.status(
      `  ${stamp(Date.now() - startedAt)}  ${statusOf(record, attempt, Date.now() - since)}`,
    );
  };
  const timer = setInterval(tick, screen.isTerminal ? terminalTickMs : plainTickMs);

  return {
    begin: (state) => {
      for (const entry of state.entries) note(entry);
      ({ record } = state);
      for (const observation of early.splice(0))
        if (observation.jobId === record.jobId) follow(observation);
    },
    observe: (observation) => {
      if (record === null) early.push(observation);
      else if (observation.jobId === record.jobId) follow(observation);
    },
    end: () => {
      clearInterval(timer);
      screen.clearStatus();
    },
  };
};

const doneLine = (
  entry: Extract<Entry, { readonly type: "StepSucceeded" }>,
  beganAt: ReadonlyMap<string, number>,
  cost: string,
): EntryLine => {
  const tookMs = entry.at - (beganAt.get(entry.path) ?? entry.at);
  return {
    path: entry.path,
    text: `done at attempt ${entry.attempt} after ${seconds(tookMs)}; ${cost}`,
    weight: "done",
  };
};

/** What counts comes first: a narrow terminal cuts the end. */
const statusOf = (record: StateRecord, attempt: number, elapsedMs: number): string => {
  const { waiting, currentStep, costMicros } = record;
  const name = (currentStep ?? record.status).padEnd(stepColumn);
  if (waiting === null) return name;
  const left =
    waiting.until === null
      ? ""
      : ` (at most ${seconds(Math.max(waiting.until - Date.now(), 0))} more)`;
  return `${name} attempt ${attempt}, ${seconds(elapsedMs)}, ${dollars(costMicros)} so far: waits for ${waiting.waitingFor}${left}; then ${waiting.next}`;
};

const stamp = (ms: number): string => `+${(Math.max(ms, 0) / 1_000).toFixed(1)}s`.padStart(7);

const colours = { done: "green", trouble: "yellow", detail: "dim" } as const;

const styled = ({ text, weight }: EntryLine, { stream }: Screen): string =>
  styleText(colours[weight], text, { stream });
