/** Whether a step costs the same at the end of a long chain as at its beginning. */
import { Catena } from "../../src/index.ts";
import { chainOf, perSecond, runChain, turn } from "../chain.ts";
import { type Figure, median, type Measurement } from "../figure.ts";
import { withDatabase } from "../scratch.ts";

const length = 200;
const jobs = 5;
const part = 20;

/** Mean ms a step between two positions of one job. */
const pace = (instants: ReadonlyArray<number>, from: number, to: number): number =>
  ((instants[to] ?? Number.NaN) - (instants[from] ?? Number.NaN)) / (to - from);

export const chainLength: Measurement = {
  name: "length",
  about: `cost of a step in a chain of ${length}, one job at a time, NORMAL`,
  run: (settings) =>
    withDatabase(settings, async (store) => {
      let instants: Array<number> = [];
      const pipeline = chainOf({
        length,
        run: (page, position) => {
          instants[position] = performance.now();
          return turn(page);
        },
      });
      await using catena = await Catena.start({
        pipelines: [pipeline],
        store,
        durability: "normal",
      });
      await perSecond({ total: jobs, width: 1 }, () => runChain(catena, pipeline));
      const runs = { first: new Array<number>(), last: new Array<number>() };
      for (let run = 0; run < settings.runs; run++) {
        const first: Array<number> = [];
        const last: Array<number> = [];
        for (let job = 0; job < jobs; job++) {
          instants = [];
          await runChain(catena, pipeline);
          first.push(pace(instants, 0, part));
          last.push(pace(instants, length - 1 - part, length - 1));
        }
        runs.first.push(median(first));
        runs.last.push(median(last));
      }
      const figures: ReadonlyArray<Figure> = [
        { name: `first ${part} steps`, unit: "ms/step", values: runs.first },
        {
          name: `last ${part} of ${length}`,
          unit: "ms/step",
          values: runs.last,
          against: `first ${part} steps`,
          aim: "about 1",
        },
      ];
      return figures;
    }),
};
