/** What a job that only waits takes in memory. Each value comes from a process of its own. */
import type { Figure, Measurement } from "../figure.ts";
import { answerOf } from "../process.ts";
import { withDatabase } from "../scratch.ts";

const jobs = 3_000;
const variants = [
  ["model", "resident"],
  ["backoff", "resident"],
  ["model", "passivated"],
  ["backoff", "passivated"],
] as const;

export const waiting: Measurement = {
  name: "waiting",
  about: `memory of a waiting job, ${jobs.toLocaleString("en-US")} of them, input and first output 1 KB each`,
  run: async (settings) => {
    const figures: Array<Figure> = [];
    for (const [waitsFor, where] of variants) {
      const heap: Array<number> = [];
      const rss: Array<number> = [];
      for (let run = 0; run < Math.min(settings.runs, 3); run++) {
        const answer = await withDatabase(settings, (path) =>
          answerOf("waiting-jobs", [path, waitsFor, where, String(jobs)]),
        );
        heap.push(answer["heap"] ?? Number.NaN);
        rss.push(answer["rss"] ?? Number.NaN);
      }
      const name = `${where}, waits for ${waitsFor === "model" ? "a model" : "its next try"}`;
      figures.push({ name: `${name}: heap`, unit: "KB/job", values: heap });
      figures.push({ name: `${name}: RSS`, unit: "KB/job", values: rss });
    }
    return figures;
  },
};
