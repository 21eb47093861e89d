/** An option of the test kit that would test nothing, or something else than was meant. */
import { inspect } from "node:util";

/** The message names the option, what was expected, and what came. */
export class TestOptionError extends Error {
  override readonly name = "TestOptionError";
  /** Such as `answers.draft.valid`. */
  readonly field: string;
  constructor(field: string, expected: string, got: unknown) {
    super(`${field}: expected ${expected}, got ${shown(got)}`);
    this.field = field;
  }
}

const shown = (value: unknown): string =>
  inspect(value, { depth: 2, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 200 });

/** Throws TestOptionError where a name is none of the known ones: what is said of nobody is a typing mistake. */
export const checkNames = (
  field: string,
  names: Iterable<string>,
  known: ReadonlyArray<string>,
): void => {
  const expected =
    known.length === 0 ? "nothing, as no step is meant" : `one of ${known.join(", ")}`;
  for (const name of names)
    if (!known.includes(name)) throw new TestOptionError(field, expected, name);
};
