/** Submits over HTTP, and how long it takes from a submit to the answer that holds the output. */
import { perSecond } from "../chain.ts";
import { type Figure, type Measurement, quantile } from "../figure.ts";
import { drained, keptConnections, submit } from "../http-client.ts";
import { withChild } from "../process.ts";
import { withDatabase } from "../scratch.ts";

const widths = [1, 100, 1_000];
/** One after another takes long enough with fewer. */
const totalFor = (width: number): number => (width === 1 ? 300 : 2_000);

const servers = [
  { name: "floor, NORMAL", args: (path: string) => ["floor", path, "normal"] },
  { name: "floor, FULL", args: (path: string) => ["floor", path, "full"] },
  { name: "Catena, NORMAL", args: (path: string) => ["catena", path, "normal"] },
  { name: "Catena, FULL", args: (path: string) => ["catena", path, "full"] },
];

interface Measured {
  readonly submits: number;
  readonly p50: number;
  readonly p99: number;
}

/** Submits first, then jobs from submit to output, both with so many on their way at once. */
const measure = async (port: number, width: number): Promise<Measured> => {
  const agent = keptConnections(width);
  const total = totalFor(width);
  try {
    const load = { total, width };
    const submits = await perSecond(load, () => submit({ port, agent, isAwaited: false }));
    // Those jobs are still being run: nobody is to stand behind them.
    await drained(port);
    const taken: Array<number> = [];
    await perSecond(load, async () => {
      const begun = performance.now();
      await submit({ port, agent, isAwaited: true });
      taken.push(performance.now() - begun);
    });
    return { submits, p50: quantile(taken, 0.5), p99: quantile(taken, 0.99) };
  } finally {
    agent.destroy();
  }
};

export const http: Measurement = {
  name: "http",
  about: "5-step chains submitted over HTTP; floor: node:http, one SQLite insert, 202",
  run: async (settings) => {
    const measured = new Map<string, Array<Measured>>();
    for (let run = 0; run < settings.runs; run++)
      for (const { name, args } of servers)
        await withDatabase(settings, (path) =>
          withChild("http-server", args(path), async ({ port = 0 }) => {
            // The first requests of a process load and compile what serves them.
            await measure(port, 100);
            for (const width of widths) {
              const key = `${name}, ${width.toLocaleString("en-US")} at once`;
              measured.set(key, [...(measured.get(key) ?? []), await measure(port, width)]);
            }
          }),
        );
    return [...measured].flatMap(([name, values]) => figuresOf(name, values));
  },
};

const figuresOf = (name: string, values: ReadonlyArray<Measured>): ReadonlyArray<Figure> => {
  const against = name.startsWith("Catena") ? name.replace("Catena", "floor") : null;
  const figure = (what: keyof Measured, unit: string): Figure => ({
    name: `${name}: ${what}`,
    unit,
    values: values.map((value) => value[what]),
    ...(against === null ? {} : { against: `${against}: ${what}` }),
  });
  return [figure("submits", "submits/s"), figure("p50", "ms"), figure("p99", "ms")];
};
