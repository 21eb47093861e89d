/** What a step was told, by name: an option that does not exist is refused where the step is made. */

/**
 * Throws a TypeError that names the step and the option: a misspelt `isRepeatable: false` would let effects happen
 * twice. Where types are only stripped, no compiler has seen it.
 */
export const refuseUnknownOptions = (
  step: string,
  options: object,
  known: ReadonlyArray<string>,
): void => {
  const stranger = Object.keys(options).find((name) => !known.includes(name));
  if (stranger === undefined) return;
  throw new TypeError(
    `step ${JSON.stringify(step)}: expected nothing but ${known.join(", ")}, got ${JSON.stringify(stranger)}`,
  );
};
