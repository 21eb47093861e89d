/** The story of a world, for whoever has to understand a failing seed. */
import type { Aftermath } from "./world.ts";

export const tellStory = ({ log, journals, provider }: Aftermath): string =>
  [
    ...log,
    ...[...journals.files.values()].flatMap(({ job, entries }) => [
      `== ${job.record.jobId} ${job.record.pipeline} ${job.record.status} epoch ${job.epoch} owner ${job.owner ?? "-"}`,
      ...entries.map(
        ({ seq, at, type, ...rest }) => `${at % 10_000_000} ${seq} ${type} ${told(rest)}`,
      ),
    ]),
    "== ledger",
    ...[...journals.predictions.values()].map(
      ({ key, state, predictionId, status, receipt }) =>
        `${key} ${state} ${predictionId ?? "-"} ${status ?? "-"} ${receipt?.costMicros ?? "-"}`,
    ),
    "== provider",
    ...[...provider.made.values()].map((made) => JSON.stringify(made)),
  ].join("\n");

const told = (fields: object): string => JSON.stringify(fields).slice(0, 160);
