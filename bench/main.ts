/**
 * `npm run bench -- [names] [--runs n] [--slow] [--directory path]`: measures Catena beside its floors,
 * in the same run, and prints one table a measurement. Nothing is asserted: a shared machine would lie.
 */
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { type Measurement, tableOf } from "./figure.ts";
import { http } from "./measurements/http.ts";
import { latency } from "./measurements/latency.ts";
import { chainLength } from "./measurements/length.ts";
import { resume } from "./measurements/resume.ts";
import { storeSize } from "./measurements/size.ts";
import { throughput } from "./measurements/throughput.ts";
import { waiting } from "./measurements/waiting.ts";

const measurements: ReadonlyArray<Measurement> = [
  throughput,
  latency,
  waiting,
  resume,
  chainLength,
  storeSize,
  http,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: "string", default: "5" },
    slow: { type: "boolean", default: false },
    directory: { type: "string", default: tmpdir() },
  },
});

const unknown = positionals.filter((name) => measurements.every((one) => one.name !== name));
const runs = Number(values.runs);
if (unknown.length > 0 || !Number.isSafeInteger(runs) || runs < 1) {
  const known = measurements.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join("\n");
  console.error(`npm run bench -- [names] [--runs n] [--slow] [--directory path]\n${known}`);
  process.exitCode = 2;
} else {
  const wanted = measurements.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  const settings = { runs, isSlow: values.slow, directory: values.directory };
  for (const { name, about, run } of wanted) {
    console.log(`\n## ${name}: ${about}\n`);
    // One measurement at a time: they would disturb each other.
    console.log(tableOf(await run(settings)));
  }
}
