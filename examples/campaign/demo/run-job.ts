/** One run of the demo: takes up what an earlier one left, or submits a brief, and sees the job to its rest. */
import { resolve } from "node:path";
import {
  Catena,
  type Job,
  type JobState,
  type Outcome,
  type StateRecord,
} from "../../../src/index.ts";
import { type Brief, campaignAssets, type CampaignAsset } from "../campaign.ts";
import { Gallery } from "../gallery.ts";
import type { Command, DemoArguments } from "./arguments.ts";
import { ledgerLines } from "./job-ledgers.ts";
import type { Killer } from "./kill-point.ts";
import type { Progress } from "./progress.ts";
import type { DemoProvider } from "./provider.ts";
import { assetLines, type Ending, failureLines } from "./report.ts";
import type { Screen } from "./screen.ts";

export interface Run {
  readonly options: DemoArguments;
  readonly screen: Screen;
  readonly provider: DemoProvider;
  readonly progress: Progress;
  readonly killer: Killer;
}

type CampaignJob = Job<typeof CampaignAsset.Type>;
type Ended = Outcome<typeof CampaignAsset.Type>;

const exampleBrief: Brief = {
  product_name: "Velora trail bottle",
  audience: "trail runners",
  value_prop: "keeps water cold for 24 hours",
};

/** The exit code. */
export const runJob = async (run: Run): Promise<number> => {
  const { options, provider, progress, killer, screen } = run;
  await using catena = await Catena.start({
    pipelines: [campaignAssets],
    store: provider.storePath,
    models: provider.client,
    pollEvery: provider.pollEvery,
    orphanGrace: provider.orphanGrace,
    layer: killer.gallery(Gallery.layer(resolve(options.folder, "gallery"))),
    inspect: (observation) => {
      // Seen first, so that what the process dies of is still written.
      progress.observe(observation);
      killer.inspect(observation);
    },
  });
  const { job, isResumed } = await chooseJob(catena, run);
  progress.begin(await job.state());
  const ended = await untilRestOrInterrupt(job);
  progress.end();
  if (ended === "interrupted") {
    screen.write(
      `\nInterrupted. Job ${job.id} is left as it stands; the next "npm run demo" resumes it.`,
    );
    return 130;
  }
  return await report(run, { catena, job, ended, isResumed });
};

interface Chosen {
  readonly job: CampaignJob;
  readonly isResumed: boolean;
}

const chooseJob = async (catena: Catena, run: Run): Promise<Chosen> => {
  const { command } = run.options;
  if (command.type === "retry") {
    const job = await catena.job(campaignAssets, command.jobId);
    await job.retry();
    run.screen.write(`Goes on with job ${job.id} at the step that failed.`);
    return { job, isResumed: true };
  }
  const left = await unfinished(catena, run.screen);
  if (left !== undefined) {
    const state = await left.state();
    for (const line of resumeLines(state, command)) run.screen.write(line);
    return { job: left, isResumed: true };
  }
  const brief = command.type === "run" ? (command.brief ?? exampleBrief) : exampleBrief;
  const job = await catena.submit(campaignAssets, brief);
  run.screen.write(
    `Job ${job.id}: ${brief.product_name}, for ${brief.audience}: ${brief.value_prop}`,
  );
  return { job, isResumed: false };
};

/** The oldest job that an earlier run left; one that another process is at work on is not ours. */
const unfinished = async (catena: Catena, screen: Screen): Promise<CampaignJob | undefined> => {
  const processing = await catena.jobs({
    status: "processing",
    pipeline: campaignAssets.plan.name,
  });
  const oldest = processing.at(-1);
  if (oldest === undefined) return undefined;
  if (catena.recovered > 0) return catena.job(campaignAssets, oldest.jobId);
  screen.write(`Job ${oldest.jobId} is being run by another process; this run starts its own.`);
  return undefined;
};

const resumeLines = ({ record, entries }: JobState, command: Command): ReadonlyArray<string> => {
  const claim = entries.findLast((entry) => entry.type === "Claimed");
  const how = claim?.isTakeover === true ? "was killed" : "was interrupted";
  const done = entries.flatMap((entry) => (entry.type === "StepSucceeded" ? [entry.path] : []));
  const kept = done.length === 0 ? "" : ` Done already, not run again: ${done.join(", ")}.`;
  const isOther = command.type === "run" && command.brief !== null;
  return [
    `Resumes job ${record.jobId}: the run before ${how} at ${placeOf(record)}.${kept}`,
    ...(isOther ? ["It has its own brief; run again for the one given now."] : []),
  ];
};

/** Between the last step and the end lies the shaping of the output, which is no step of the user's. */
const placeOf = ({ currentStep }: StateRecord): string =>
  campaignAssets.plan.nodes.some(({ path }) => path === currentStep)
    ? String(currentStep)
    : "its end";

/** Ctrl-C lets the job go where it stands: no step fails of it and nothing remote is cancelled. */
const untilRestOrInterrupt = async (job: CampaignJob): Promise<Ended | "interrupted"> => {
  const interrupted = Promise.withResolvers<"interrupted">();
  // Stays in place to the end: npm sends the signal once more.
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      interrupted.resolve("interrupted");
    });
  return Promise.race([job.outcome(), interrupted.promise]);
};

interface Result extends Chosen {
  readonly catena: Catena;
  readonly ended: Ended;
}

const report = async (run: Run, { catena, job, ended, isResumed }: Result): Promise<number> => {
  const { screen, provider, options } = run;
  const { record } = await job.state();
  for (const line of missedKill(options.command)) screen.write(line);
  for (const line of await ledgerLines(catena, job, { provider, isTable: isResumed }))
    screen.write(line);
  for (const line of endingLines(ended, { record, provider, options })) screen.write(line);
  return ended.status === "complete" ? 0 : 1;
};

/** Whoever is told about a kill point has not died at it. */
const missedKill = (command: Command): ReadonlyArray<string> => {
  if (command.type !== "run" || command.killPoint === null) return [];
  const { step, point } = command.killPoint;
  return [`The job never came to ${step}:${point}: it was past it already. The next job will.`];
};

const endingLines = (ended: Ended, ending: Ending): ReadonlyArray<string> => {
  if (ended.status === "complete") return assetLines(ended.output, ending);
  if (ended.status === "failed") return failureLines(ended, ending);
  return [`Job ${ending.record.jobId} was cancelled.`];
};
