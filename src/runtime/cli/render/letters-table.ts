/** Dead letters as people read them: a line each, or a paragraph for each cause. */
import type { DeadLetter, LetterCause } from "../../journal-dead-letters.ts";
import { cut, duration, oneLine } from "./amounts.ts";
import { table } from "./table.ts";

interface View {
  readonly now: number;
  readonly width: number;
}

/** Ids stand whole, so that they can be copied. */
export const lettersTable = (
  letters: ReadonlyArray<DeadLetter>,
  { now, width }: View,
): ReadonlyArray<string> =>
  table(
    [
      { title: "LETTER", cells: letters.map(({ id }) => id) },
      { title: "KIND", cells: letters.map(({ kind }) => kind) },
      { title: "AT", cells: letters.map(placeOf), isCut: true },
      { title: "DEATHS", cells: letters.map(({ deaths }) => String(deaths)), isRight: true },
      {
        title: "DIED",
        cells: letters.map(({ diedAt }) => duration(now - diedAt)),
        isRight: true,
      },
    ],
    width,
  );

/** Each cause with the words of its newest letter below it. */
export const causeLines = (
  causes: ReadonlyArray<LetterCause>,
  { now, width }: View,
): ReadonlyArray<string> => {
  const [titles = "", ...lines] = table(
    [
      { title: "CAUSE", cells: causes.map(({ cause }) => cause) },
      { title: "LETTERS", cells: causes.map(({ letters }) => String(letters)), isRight: true },
      { title: "KIND", cells: causes.map(({ kind }) => kind) },
      { title: "AT", cells: causes.map(placeOf), isCut: true },
      {
        title: "FIRST",
        cells: causes.map(({ firstAt }) => duration(now - firstAt)),
        isRight: true,
      },
      { title: "LAST", cells: causes.map(({ lastAt }) => duration(now - lastAt)), isRight: true },
    ],
    width,
  );
  return [
    titles,
    ...lines.flatMap((line, index) => [
      line,
      cut(`  ${oneLine(causes[index]?.reason ?? "")}`, width),
    ]),
  ];
};

const placeOf = ({ pipeline, step }: Pick<DeadLetter, "pipeline" | "step">): string =>
  [pipeline, step].filter((part) => part !== null).join("/");
