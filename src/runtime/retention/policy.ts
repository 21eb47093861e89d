/** How long what is kept: the option as users give it is checked here, once. */
import type { Duration } from "effect";
import { pauseOf, refuseStrangers, type RetentionOptions, StartError } from "../options.ts";

/** All in ms; null is for ever. */
export interface RetentionPolicy {
  readonly rawAnswersMs: number | null;
  readonly jobsMs: number | null;
  readonly assetsMs: number | null;
  readonly assetGraceMs: number;
  readonly everyMs: number;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const fields = ["rawAnswers", "jobs", "assets", "assetGrace", "every"] satisfies ReadonlyArray<
  keyof RetentionOptions
>;

const ageOf = (field: string, input: Duration.Input | undefined): number | null =>
  input === undefined ? null : pauseOf(`retention.${field}`, input, 0);

/** The ages. Throws StartError that names the field where one is no duration above zero, or is not known. */
export const retentionPolicy = (options: RetentionOptions = {}): RetentionPolicy => {
  const words = fields.join(", ");
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new StartError("retention", `an object with ${words}`, options);
  // A misspelt age would keep for ever what somebody has promised to delete.
  refuseStrangers("retention", options, fields);
  return {
    rawAnswersMs: ageOf("rawAnswers", options.rawAnswers),
    jobsMs: ageOf("jobs", options.jobs),
    assetsMs: ageOf("assets", options.assets),
    assetGraceMs: ageOf("assetGrace", options.assetGrace) ?? dayMs,
    everyMs: ageOf("every", options.every) ?? hourMs,
  };
};

/** Everything is kept for ever. */
export const keepAll: RetentionPolicy = retentionPolicy();

/** Whether there is anything to prune by itself. */
export const hasAges = ({ rawAnswersMs, jobsMs, assetsMs }: RetentionPolicy): boolean =>
  rawAnswersMs !== null || jobsMs !== null || assetsMs !== null;
