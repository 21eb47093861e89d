/** What is seen of a job while a command runs it: a line for each entry as it is committed. */
import { Effect } from "effect";
import type { Observation } from "../jobs/job-host.ts";
import { entryLine } from "./render/entry-line.ts";
import { root } from "./root.ts";
import { Screen } from "./screen.ts";

/** With `--json` nothing is seen, as the result has it all. */
export const progress = Effect.fnUntraced(function* () {
  const screen = yield* Screen;
  const { json: isJson } = yield* root;
  const paint: Screen["Service"]["paint"] = (style, text) => screen.paint(style, text, "err");
  let since: number | null = null;
  return ({ jobId, entries }: Observation): void => {
    if (isJson) return;
    if (since === null) screen.err(`Job ${jobId}`);
    for (const entry of entries) {
      since ??= entry.at;
      screen.err(entryLine(entry, { since, width: screen.noteWidth, paint }));
    }
  };
});
