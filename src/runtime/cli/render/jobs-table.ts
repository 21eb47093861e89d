/** State records as a table, newest first: one line a job, its id whole, so that it can be copied. */
import type { StateRecord } from "../../journal-store.ts";
import { dollars, duration } from "./amounts.ts";
import { table } from "./table.ts";

export const jobsTable = (
  records: ReadonlyArray<StateRecord>,
  { now, width }: { readonly now: number; readonly width: number },
): ReadonlyArray<string> =>
  table(
    [
      { title: "JOB", cells: records.map(({ jobId }) => jobId) },
      { title: "STATUS", cells: records.map(({ status }) => status) },
      { title: "AT", cells: records.map(placeOf), isCut: true },
      {
        title: "AGE",
        cells: records.map(({ createdAt }) => duration(now - createdAt)),
        isRight: true,
      },
      { title: "COST", cells: records.map(({ costMicros }) => dollars(costMicros)), isRight: true },
    ],
    width,
  );

/** The pipeline, and where in it the job stands or failed. */
const placeOf = ({ pipeline, currentStep, detail }: StateRecord): string => {
  const step = currentStep === null ? "" : `/${currentStep}`;
  const finer = detail === null || detail === "active" ? "" : ` ${detail}`;
  return `${pipeline}${step}${finer}`;
};
