/** Measures several things in turns, so that what the machine does meanwhile meets all of them alike. */
import type { Figure, Settings } from "./figure.ts";

export interface Subject extends Omit<Figure, "values"> {
  readonly measure: () => Promise<number>;
}

/** One round to warm up, then `runs` rounds. */
export const inRounds = async (
  { runs }: Settings,
  subjects: ReadonlyArray<Subject>,
): Promise<ReadonlyArray<Figure>> => {
  const values = new Map<string, Array<number>>();
  for (let round = 0; round <= runs; round++) {
    for (const { name, measure } of subjects) {
      // One thing at a time: there are two cores.
      const value = await measure();
      if (round > 0) values.set(name, [...(values.get(name) ?? []), value]);
    }
  }
  return subjects.map(({ measure: _, ...figure }) => ({
    ...figure,
    values: values.get(figure.name) ?? [],
  }));
};
