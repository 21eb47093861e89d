/** A job's report for people: what it is, how each step went, why it failed, what helps, what it cost. */
import type { Schema } from "effect";
import { answerLines } from "../received.ts";
import type { FailureReport, JobReport } from "../job-report.ts";
import type { Screen } from "../screen.ts";
import { cut, dollars, duration, instant, oneLine, visible, wrapped } from "./amounts.ts";
import { table } from "./table.ts";

export interface ReportView {
  readonly screen: Pick<Screen["Service"], "width" | "paint">;
  readonly now: number;
  /** The command that takes the job on; null where nothing does or nothing is needed. */
  readonly next: string | null;
}

const indent = "  ";
const labelWidth = 11;

export const reportLines = (report: JobReport, view: ReportView): ReadonlyArray<string> => [
  ...headLines(report, view),
  ...section("Steps", stepLines(report, view)),
  ...(report.failure === null ? [] : failureLines(report.failure, view)),
  ...section("Predictions", predictionLines(report, view)),
];

const section = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", title, ...lines.map((line) => indent + line)];

/** A label and its text, broken to the width under one another. */
const labelled = (label: string, text: string, { screen }: ReportView): ReadonlyArray<string> => {
  const room = screen.width - indent.length - labelWidth;
  return wrapped(visible(text), room).map((line, index) =>
    `${indent}${(index === 0 ? label : "").padEnd(labelWidth)}${line}`.trimEnd(),
  );
};

/** Whole, however long: it is there to be copied. */
const commandLine = (label: string, command: string): ReadonlyArray<string> => [
  `${indent}${label.padEnd(labelWidth)}${command}`,
];

const headLines = ({ job, input, output }: JobReport, view: ReportView): ReadonlyArray<string> => {
  const { screen, now, next } = view;
  const detail = job.detail === null ? "" : ` (${job.detail})`;
  const { waiting } = job;
  return [
    `Job ${job.jobId}`,
    ...labelled("pipeline", `${job.pipeline}@${job.version}`, view),
    `${indent}${"status".padEnd(labelWidth)}${screen.paint(styleOf(job.status), job.status)}${detail}`,
    ...labelled("created", `${instant(job.createdAt)}, ${duration(now - job.createdAt)} ago`, view),
    ...labelled("updated", `${instant(job.updatedAt)}, ${duration(now - job.updatedAt)} ago`, view),
    ...(waiting === null
      ? []
      : [
          ...labelled("waits for", `${waiting.waitingFor}, ${sinceOf(waiting, now)}`, view),
          ...labelled("then", waiting.next, view),
        ]),
    ...(job.erasedAt === null ? [] : labelled("erased", instant(job.erasedAt), view)),
    ...labelled("cost", dollars(job.costMicros), view),
    ...(job.erasedAt === null ? valueLines("input", input, view) : []),
    ...(output === null ? [] : valueLines("output", output, view)),
    ...(next === null || job.status === "failed" ? [] : commandLine("go on with", next)),
  ];
};

const styleOf = (status: JobReport["job"]["status"]) =>
  status === "failed" ? "red" : status === "complete" ? "green" : "bold";

const sinceOf = (
  { since, until }: { readonly since: number; readonly until: number | null },
  now: number,
): string => {
  const left = until === null ? "" : `, ${duration(Math.max(until - now, 0))} left`;
  return `for ${duration(now - since)}${left}`;
};

const maxValueLines = 6;

const valueLines = (label: string, value: Schema.Json, view: ReportView): ReadonlyArray<string> => {
  const room = view.screen.width - indent.length - labelWidth;
  const short = oneLine(JSON.stringify(value));
  if (short.length <= room) return labelled(label, short, view);
  return firstLines(JSON.stringify(value, null, 2).split("\n"), maxValueLines).map((line, index) =>
    `${indent}${(index === 0 ? label : "").padEnd(labelWidth)}${cut(visible(line), room)}`.trimEnd(),
  );
};

const firstLines = (lines: ReadonlyArray<string>, most: number): ReadonlyArray<string> =>
  lines.length <= most
    ? lines
    : [...lines.slice(0, most), `… ${lines.length - most} more lines (--json has all)`];

const stepLines = ({ steps }: JobReport, { screen }: ReportView): ReadonlyArray<string> =>
  steps.length === 0
    ? []
    : table(
        [
          { title: "STEP", cells: steps.map(({ path }) => path), isCut: true },
          { title: "STATUS", cells: steps.map(({ status }) => status) },
          { title: "ATTEMPTS", cells: steps.map(({ attempts }) => `${attempts}`), isRight: true },
          { title: "TOOK", cells: steps.map(({ tookMs }) => duration(tookMs)), isRight: true },
          {
            title: "COST",
            cells: steps.map(({ costMicros }) => dollars(costMicros)),
            isRight: true,
          },
        ],
        screen.width - indent.length,
      );

const maxAnswerLines = 10;

/** Why a job rests in `failed`, and what takes it on. */
export const failureLines = (failure: FailureReport, view: ReportView): ReadonlyArray<string> => {
  const { screen, next } = view;
  return [
    "",
    screen.paint("red", `Failed at ${failure.step}`),
    ...labelled("kind", failure.kind, view),
    ...labelled("what", failure.message, view),
    ...failure.issues.flatMap(({ path, expected, received }) => [
      ...labelled("path", path === "" ? "(the whole)" : path, view),
      ...labelled("expected", expected, view),
      ...(received === null ? [] : labelled("received", cut(received, 200), view)),
    ]),
    ...(failure.at === null ? [] : labelled("where", whereOf(failure.at), view)),
    ...answerOf(failure, view),
    ...labelled("cost", dollars(failure.costMicros), view),
    ...(next === null ? [] : commandLine("resume", next)),
  ];
};

/** A reload's mark is nothing to a reader. */
const whereOf = (at: string): string => at.replace(/\?catena=\d+/, "");

const answerOf = (
  { answer, hasAnswer }: FailureReport,
  view: ReportView,
): ReadonlyArray<string> => {
  if (!hasAnswer) return [];
  const room = view.screen.width - indent.length - labelWidth - 2;
  return firstLines(answerLines(answer), maxAnswerLines).map(
    (line, index) =>
      `${indent}${(index === 0 ? "answer" : "").padEnd(labelWidth)}| ${cut(visible(line), room)}`,
  );
};

const predictionLines = (
  { predictions }: JobReport,
  { screen }: ReportView,
): ReadonlyArray<string> =>
  predictions.length === 0
    ? []
    : table(
        [
          { title: "STEP", cells: predictions.map(({ path, attempt }) => `${path} #${attempt}`) },
          {
            title: "MODEL",
            cells: predictions.map(({ model }) => model.split(":")[0] ?? model),
            isCut: true,
          },
          { title: "ID", cells: predictions.map(({ predictionId }) => predictionId ?? "-") },
          { title: "STATE", cells: predictions.map(({ state, status }) => status ?? state) },
          {
            title: "COST",
            cells: predictions.map(({ receipt }) =>
              receipt === null ? "-" : dollars(receipt.costMicros),
            ),
            isRight: true,
          },
        ],
        screen.width - indent.length,
      );
