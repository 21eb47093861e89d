/** From submit to result of one chain of five steps, with nothing else to do. */
import { Catena } from "../../src/index.ts";
import { chainOf, type PagePipeline, runChain } from "../chain.ts";
import { type Figure, type Measurement, quantile } from "../figure.ts";
import { withDatabase } from "../scratch.ts";

const pipeline = chainOf({ length: 5 });
const warmUp = 300;
const jobs = 1_000;

/** How long (ms) each of the jobs took, one after another. */
export const latencies = async (
  catena: Catena,
  chain: PagePipeline,
  total: number,
): Promise<ReadonlyArray<number>> => {
  const taken: Array<number> = [];
  for (let job = 0; job < total; job++) {
    const begun = performance.now();
    // One job at a time is the point.
    await runChain(catena, chain);
    taken.push(performance.now() - begun);
  }
  return taken;
};

interface Variant {
  readonly name: string;
  readonly durability: "full" | "normal" | "memory";
  readonly aim?: string;
}

const variants: ReadonlyArray<Variant> = [
  { name: "memory", durability: "memory" },
  { name: "NORMAL", durability: "normal", aim: "under 1 ms" },
  { name: "FULL", durability: "full" },
];

export const latency: Measurement = {
  name: "latency",
  about: "submit to result of one 5-step chain at a time",
  run: async (settings) => {
    const figures: Array<Figure> = [];
    for (const { name, durability, aim } of variants) {
      const runs = await withDatabase(settings, async (path) => {
        await using catena = await Catena.start({
          pipelines: [pipeline],
          ...(durability === "memory" ? { store: "memory" } : { store: path, durability }),
        });
        await latencies(catena, pipeline, warmUp);
        const taken: Array<ReadonlyArray<number>> = [];
        for (let run = 0; run < settings.runs; run++)
          taken.push(await latencies(catena, pipeline, jobs));
        return taken;
      });
      const at = (share: number) => runs.map((taken) => quantile(taken, share));
      const aims = aim === undefined ? {} : { aim };
      figures.push({ name: `${name}, p50`, unit: "ms", values: at(0.5), ...aims });
      figures.push({ name: `${name}, p99`, unit: "ms", values: at(0.99) });
    }
    return figures;
  },
};
