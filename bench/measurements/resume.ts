/** From `Catena.start` to the last of a thousand unfinished jobs at work again, after a SIGKILL. */
import type { Figure, Measurement } from "../figure.ts";
import { answerOf } from "../process.ts";
import { withDatabase } from "../scratch.ts";

const jobs = 1_000;

export const resume: Measurement = {
  name: "resume",
  about: `${jobs.toLocaleString("en-US")} unfinished jobs taken over by a new process after SIGKILL`,
  run: async (settings) => {
    const figures: Array<Figure> = [];
    for (const durability of ["normal", "full"]) {
      const started: Array<number> = [];
      const last: Array<number> = [];
      for (let run = 0; run < settings.runs; run++) {
        const answer = await withDatabase(settings, async (path) => {
          await answerOf("unfinished-jobs", [path, durability, "begin", String(jobs)]);
          return answerOf("unfinished-jobs", [path, durability, "resume", String(jobs)]);
        });
        started.push(answer["startMs"] ?? Number.NaN);
        last.push(answer["lastMs"] ?? Number.NaN);
      }
      const name = durability.toUpperCase();
      figures.push({ name: `${name}: start returns`, unit: "ms", values: started });
      figures.push({
        name: `${name}: last service started`,
        unit: "ms",
        values: last,
        aim: "under 500",
      });
    }
    return figures;
  },
};
