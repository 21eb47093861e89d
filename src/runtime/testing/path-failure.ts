/** How a path that did not go as it must is told. */

/** A path did not go as it must. The message names the path, the seed, how to run it alone, the move, and the journal. */
export class PathFailure extends Error {
  override readonly name = "PathFailure";
}

export interface FailedPath {
  readonly name: string;
  /** Its place in the suite, from 0. */
  readonly index: number;
  readonly seed: number;
  readonly input: unknown;
  /** The moves that went as they must, by name. */
  readonly done: ReadonlyArray<string>;
  /** The job's entries, a line each. */
  readonly journal: ReadonlyArray<string>;
  readonly cause: unknown;
}

export const pathFailure = ({
  name,
  index,
  seed,
  input,
  done,
  journal,
  cause,
}: FailedPath): PathFailure =>
  new PathFailure(
    [
      `path "${name}" (seed ${seed})`,
      `alone: await paths(pipeline, { seed: ${seed} }).paths[${index}].run(), with your other options`,
      `after: ${done.join(" > ") || "the start"}`,
      `  ${cause instanceof Error ? cause.message : String(cause)}`,
      `input: ${JSON.stringify(input)}`,
      "journal:",
      ...journal.map((line) => `  ${line}`),
    ].join("\n"),
    { cause },
  );
