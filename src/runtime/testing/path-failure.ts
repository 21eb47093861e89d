/** How a path that did not go as it must is told. */

/** A path did not go as it must. The message names the path, the seed, the move, and the journal. */
export class PathFailure extends Error {
  override readonly name = "PathFailure";
}

export interface FailedPath {
  readonly name: string;
  readonly seed: number;
  /** The moves that went as they must, by name. */
  readonly done: ReadonlyArray<string>;
  /** The job's entries, a line each. */
  readonly journal: ReadonlyArray<string>;
  readonly cause: unknown;
}

export const pathFailure = ({ name, seed, done, journal, cause }: FailedPath): PathFailure =>
  new PathFailure(
    [
      `path "${name}" (seed ${seed})`,
      `after: ${done.join(" > ") || "the start"}`,
      `  ${cause instanceof Error ? cause.message : String(cause)}`,
      "journal:",
      ...journal.map((line) => `  ${line}`),
    ].join("\n"),
    { cause },
  );
