/** Money, time and places as people read them. */

/** Millionths of a US dollar as dollars, to a millionth. */
export const dollars = (micros: number): string => {
  if (micros === 0) return "$0";
  const text = (micros / 1e6).toFixed(micros < 1e6 ? 6 : 2);
  // Less than a millionth is not nothing.
  return Number(text) === 0 ? "<$0.000001" : `$${text.replace(/(\.\d\d\d*?)0+$/, "$1")}`;
};

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** A duration in its largest unit: `340 ms`, `4.1 s`, `12 min`, `3 h`, `5 d`. */
export const duration = (ms: number): string => {
  if (ms < second) return `${Math.max(Math.round(ms), 0)} ms`;
  if (ms < minute) return `${(ms / second).toFixed(1)} s`;
  if (ms < hour) return `${Math.round(ms / minute)} min`;
  if (ms < 2 * day) return `${Math.round(ms / hour)} h`;
  return `${Math.round(ms / day)} d`;
};

/** An instant by the clock of the reader, without fractions: `2026-03-04 05:06:07Z`. */
export const instant = (at: number): string =>
  new Date(at).toISOString().replace("T", " ").replace(/\.\d+/, "");

/** Cut to the width, with an ellipsis in its place. */
export const cut = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;

/** As one line: blanks and breaks become one blank, what would move the cursor becomes visible. */
export const oneLine = (text: string): string => visible(text.replace(/\s+/g, " ").trim());

/** All but line feed and tab. */
// oxlint-disable-next-line no-control-regex -- these are the characters that are looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** What an answer holds must not drive the terminal that shows it. */
export const visible = (text: string): string =>
  text.replace(
    controls,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );

/** Broken at blanks to lines of that width; a longer word has its own line. */
export const wrapped = (text: string, width: number): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => {
    const lines: Array<string> = [];
    let last = "";
    for (const word of line.split(" ")) {
      const longer = last === "" ? word : `${last} ${word}`;
      if (longer.length <= width) last = longer;
      else {
        if (last !== "") lines.push(last);
        last = word;
      }
    }
    return [...lines, last];
  });

/** Words of a command, quoted for a shell where they need it. */
export const shellWords = (words: ReadonlyArray<string>): string =>
  words
    .map((word) => (/^[\w./:@=,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
