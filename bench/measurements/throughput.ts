/** Chains of five steps a second, a hundred at once. */
import { Catena } from "../../src/index.ts";
import { chainOf, perSecond, runChain } from "../chain.ts";
import type { Measurement } from "../figure.ts";
import { chainsWithInserts, flushes, plainChains } from "../floors.ts";
import { inRounds } from "../rounds.ts";
import { withDatabase } from "../scratch.ts";

const load = { total: 2_000, width: 100, length: 5 };
/** One commit after the other is slow: fewer say as much. */
const slowLoad = { ...load, total: 200 };

const pipeline = chainOf(load);

/** What lasts is measured: the same load goes before, for the floors as well, and is not counted. */
const warmed = async (measure: () => Promise<number>): Promise<number> => {
  await measure();
  return await measure();
};

const catenaChains = async (options: {
  readonly store: string;
  readonly durability?: "full" | "normal";
}): Promise<number> => {
  await using catena = await Catena.start({ pipelines: [pipeline], ...options });
  return await warmed(() => perSecond(load, () => runChain(catena, pipeline)));
};

export const throughput: Measurement = {
  name: "throughput",
  about: "5-step chains of instant steps with 1 KB outputs, 100 at once",
  run: (settings) => {
    const unit = "chains/s";
    const inFile = <A>(work: (path: string) => Promise<A>) => withDatabase(settings, work);
    return inRounds(settings, [
      { name: "plain Effect", unit, measure: () => warmed(() => plainChains(load)) },
      {
        name: "plain Effect, one NORMAL insert a step",
        unit,
        measure: () =>
          inFile((path) =>
            warmed(() => chainsWithInserts(path, { ...load, synchronous: "NORMAL" })),
          ),
      },
      {
        name: "plain Effect, one FULL insert a step",
        unit,
        measure: () =>
          inFile((path) =>
            warmed(() => chainsWithInserts(path, { ...slowLoad, synchronous: "FULL" })),
          ),
      },
      {
        name: "fdatasync of 1 KB",
        unit: "writes/s",
        measure: () => inFile((path) => Promise.resolve(flushes(path, 1_000))),
      },
      {
        name: "Catena, memory",
        unit,
        against: "plain Effect",
        measure: () => catenaChains({ store: "memory" }),
      },
      {
        name: "Catena, NORMAL",
        unit,
        against: "plain Effect, one NORMAL insert a step",
        aim: "at least 1",
        measure: () => inFile((store) => catenaChains({ store, durability: "normal" })),
      },
      {
        name: "Catena, FULL",
        unit,
        against: "plain Effect, one FULL insert a step",
        aim: "at least 5",
        measure: () => inFile((store) => catenaChains({ store, durability: "full" })),
      },
    ]);
  },
};
