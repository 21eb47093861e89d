/** Whether a store with many finished jobs is as fast as an empty one. */
import { Catena } from "../../src/index.ts";
import { chainOf, perSecond, runChain } from "../chain.ts";
import { type Figure, type Measurement, quantile } from "../figure.ts";
import { withDatabase } from "../scratch.ts";
import { latencies } from "./latency.ts";

const pipeline = chainOf({ length: 5 });
const probe = { total: 1_000, width: 100 };

interface Sample {
  readonly rate: number;
  readonly p50: number;
}

const samples = async (catena: Catena, runs: number): Promise<ReadonlyArray<Sample>> => {
  const taken: Array<Sample> = [];
  for (let run = 0; run < runs; run++) {
    const rate = await perSecond(probe, () => runChain(catena, pipeline));
    taken.push({ rate, p50: quantile(await latencies(catena, pipeline, 300), 0.5) });
  }
  return taken;
};

export const storeSize: Measurement = {
  name: "size",
  about: "cost of a job beside finished jobs in the same store, NORMAL",
  run: (settings) =>
    withDatabase(settings, async (store) => {
      await using catena = await Catena.start({
        pipelines: [pipeline],
        store,
        durability: "normal",
      });
      const fill = (total: number) =>
        perSecond({ total, width: 100 }, () => runChain(catena, pipeline));
      await fill(probe.total);
      const sizes = settings.isSlow ? [0, 20_000, 100_000] : [0, 20_000];
      const figures: Array<Figure> = [];
      let filled = 0;
      for (const size of sizes) {
        if (size > filled) {
          await fill(size - filled);
          filled = size;
        }
        const taken = await samples(catena, settings.runs);
        const at = `at ${size.toLocaleString("en-US")} finished jobs`;
        const held = (unit: string) =>
          size === 0 ? {} : { against: `${unit} at 0 finished jobs`, aim: "about 1" };
        figures.push(
          {
            name: `chains/s ${at}`,
            unit: "chains/s",
            values: taken.map(({ rate }) => rate),
            ...held("chains/s"),
          },
          { name: `p50 ${at}`, unit: "ms", values: taken.map(({ p50 }) => p50), ...held("p50") },
        );
      }
      return figures;
    }),
};
