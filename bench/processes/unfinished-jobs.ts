/**
 * A process with jobs whose second step never ends. Arguments: database, durability, `begin` or
 * `resume`, how many. `begin` submits them and says so over IPC when all stand in that step, durably;
 * `resume` starts over what a killed one left and answers how long (ms) it took, from `Catena.start`
 * to the return of the start, and to the start of the last job's service.
 */
import { Catena } from "../../src/index.ts";
import { chainOf, firstPage, turn } from "../chain.ts";
import { until } from "./until.ts";

const [store = "", durability = "normal", act = "begin", total = "1000"] = process.argv.slice(2);
const jobs = Number(total);
let started = 0;
let lastStartedAt = 0;
let journaled = 0;

const pipeline = chainOf({
  length: 5,
  run: (page, position) => {
    if (position === 0) return turn(page);
    started += 1;
    lastStartedAt = performance.now();
    return new Promise(() => undefined);
  },
});

const begun = performance.now();
const catena = await Catena.start({
  pipelines: [pipeline],
  store,
  durability: durability === "full" ? "full" : "normal",
  concurrency: jobs,
  inspect: ({ entries }) => {
    for (const entry of entries)
      if (entry.type === "StepStarted" && entry.path === "step-2") journaled += 1;
  },
});
const opened = performance.now();

if (act === "begin") {
  await Promise.all(Array.from({ length: jobs }, () => catena.submit(pipeline, firstPage)));
  await until(() => started === jobs && journaled >= jobs);
  process.send?.({ isReady: true });
} else {
  await until(() => started === jobs);
  process.send?.({ startMs: opened - begun, lastMs: lastStartedAt - begun });
}
