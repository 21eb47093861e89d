/** One committed entry as one line for people. */
import type { Entry, EntryOf, Fact } from "../../../machines/entry.ts";
import { operatorMessageOf } from "../../../steps/failure.ts";
import type { Style } from "../screen.ts";
import { cut, dollars, duration, oneLine } from "./amounts.ts";

export interface EntryLine {
  /** The step; empty for what concerns the job. */
  readonly path: string;
  readonly text: string;
  readonly style: Style | null;
}

type Words = Omit<EntryLine, "path">;
type Failed = EntryOf<"StepFailed">["failure"];

const done = (text: string): Words => ({ text, style: "green" });
const trouble = (text: string): Words => ({ text, style: "yellow" });
const ended = (text: string): Words => ({ text, style: "red" });
const plain = (text: string): Words => ({ text, style: null });
const detail = (text: string): Words => ({ text, style: "dim" });

const why = (failure: Failed): string => oneLine(operatorMessageOf(failure));
const bare = (model: string): string => model.split(":")[0] ?? model;

/** Nothing where nobody knows, or it is free. */
const atMost = (micros: number): string => (micros > 0 ? `, at most ${dollars(micros)}` : "");

type Wording = { readonly [Type in Fact["type"]]: (entry: EntryOf<Type>) => Words };

const wording: Wording = {
  JobSubmitted: ({ pipeline, version }) => plain(`submitted to ${pipeline}@${version}`),
  Claimed: ({ isTakeover }) =>
    isTakeover ? trouble("taken over from a process that died") : detail("taken up"),
  JobStarted: () => detail("started"),
  StepStarted: ({ attempt }) => plain(`attempt ${attempt} begins`),
  PredictionIntended: ({ model, repair, estimateMicros }) =>
    plain(
      `asks ${bare(model)}${repair > 0 ? ` again (repair ${repair})` : ""}${atMost(estimateMicros)}`,
    ),
  PredictionAccepted: ({ predictionId, isAdopted }) =>
    isAdopted
      ? trouble(`found again as ${predictionId}: it is not paid a second time`)
      : detail(`the provider runs it as ${predictionId}`),
  PredictionRejected: ({ failure }) => trouble(`the provider refuses: ${why(failure)}`),
  PredictionUnknown: ({ detail: said }) =>
    trouble(`no answer (${oneLine(said)}): looks for it before paying again`),
  PredictionAbsent: ({ isCertain }) =>
    trouble(isCertain ? "it was never made" : "it is taken for never made"),
  PredictionSettled: ({ status, receipt }) =>
    (status === "succeeded" ? plain : trouble)(
      `${status}, cost ${dollars(receipt.costMicros)}; the raw answer is kept`,
    ),
  PredictionReused: ({ source }) =>
    plain(`uses the stored answer of job ${source.jobId}: nothing is paid`),
  PredictionUnconfirmed: () => trouble("its end is not confirmed: watched on"),
  AttemptTimedOut: ({ attempt, timeoutMs }) =>
    trouble(`attempt ${attempt} took longer than ${duration(timeoutMs)}: cancels it`),
  OutputRejected: ({ failure }) => trouble(`the answer does not fit: ${why(failure)}`),
  AttemptHeld: ({ failure, retry, limit }) =>
    limit === undefined
      ? trouble(`waits ${duration(retry.delayMs)} for the provider: ${why(failure)}`)
      : detail(`waits for room under the limit of ${limit}`),
  AttemptFailed: ({ attempt, failure, retry }) =>
    trouble(`attempt ${attempt} failed, next in ${duration(retry.delayMs)}: ${why(failure)}`),
  SignalAwaited: ({ timeout }) =>
    plain(
      timeout === null
        ? "waits for its signal"
        : `waits for its signal, for ${duration(timeout.delayMs)} at most`,
    ),
  SignalReceived: ({ by }) => plain(`its signal was sent by ${oneLine(by)}`),
  // What waits for a signal makes no attempts.
  StepSucceeded: ({ attempt }) => done(attempt === 0 ? "done" : `done at attempt ${attempt}`),
  StepFailed: ({ kind, failure }) => ended(`failed (${kind}): ${why(failure)}`),
  JobCompleted: () => done("complete"),
  CancelRequested: ({ by }) => trouble(`cancel asked for by ${by}`),
  PauseRequested: ({ by }) => trouble(`pause asked for by ${by}`),
  ResumeRequested: ({ by }) => plain(`resume asked for by ${by}`),
  RetryRequested: ({ by, isFresh }) =>
    plain(`retry asked for by ${by}${isFresh ? ", with fresh answers" : ""}`),
  JobCancelled: () => ended("cancelled"),
};

export const lineOf = (entry: Entry): EntryLine => {
  // The table has a function for each type, for the type that it is asked for.
  const words = wording[entry.type] as (entry: Entry) => Words;
  return { path: "path" in entry ? entry.path : "", ...words(entry) };
};

/** The line as printed: how long after the beginning, which step, what. */
export const entryLine = (
  entry: Entry,
  {
    since,
    width,
    paint,
  }: { readonly since: number; readonly width: number; readonly paint: Paint },
): string => {
  const { path, text, style } = lineOf(entry);
  const start = `${`+${duration(Math.max(entry.at - since, 0))}`.padStart(9)}  ${path.padEnd(10)} `;
  const shown = cut(text, Math.max(width - start.length, 20));
  return `${start}${style === null ? shown : paint(style, shown)}`.trimEnd();
};

type Paint = (style: Style, text: string) => string;
