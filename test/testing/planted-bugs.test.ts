/** Bugs planted in the transitions of a machine: for each of them some path must fail. */
import { createMachine } from "xstate";
import { expect, test } from "vitest";
import { type JobDriver, makeDriver } from "../../src/machines/advance.ts";
import { compile } from "../../src/machines/compiler.ts";
import type { AnyPipeline } from "../../src/machines/pipeline.ts";
import type { PipelinePlan } from "../../src/machines/plan.ts";
import { paths } from "../../src/testing.ts";
import { article } from "./three-steps.ts";
import { shop } from "./waiting-shop.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- configs are edited as plain data here: their exact type belongs to XState
type Config = Record<string, any>;

interface Bug {
  readonly name: string;
  readonly plant: (config: Config) => void;
}

const draft = (config: Config): Config => config["states"].running.states.draft;
const polish = (config: Config): Config => config["states"].running.states.polish;

const bugs: ReadonlyArray<Bug> = [
  {
    name: "a success skips the next step",
    plant: (config) => {
      draft(config)["on"].StepSucceeded.target = "#job.running.publish";
    },
  },
  {
    name: "a failed attempt does not wait",
    plant: (config) => {
      draft(config)["on"].AttemptFailed.target = ".active";
    },
  },
  {
    name: "a lost answer goes unnoticed",
    plant: (config) => {
      delete polish(config)["on"].PredictionUnknown;
    },
  },
  {
    name: "a cancel does not wait for what is still open",
    plant: (config) => {
      config["states"].running.on.CancelRequested = [
        { target: "#job.cancelled", actions: "record" },
      ];
    },
  },
  {
    name: "a pause is ignored",
    plant: (config) => {
      delete config["states"].running.on.PauseRequested;
    },
  },
  {
    name: "a timeout rests as a provider failure",
    plant: (config) => {
      for (const one of config["states"].running.on.StepFailed)
        if (one.target === "failed.timeout") one.target = "failed.provider";
    },
  },
  {
    name: "a retry begins at the first step",
    plant: (config) => {
      config["states"].failed.on.RetryRequested.target = "running.draft";
    },
  },
  {
    name: "what settles while the job is cancelled is not booked",
    plant: (config) => {
      delete config["on"].PredictionSettled;
    },
  },
  {
    name: "an absent prediction is asked about where the step says to make it again",
    plant: (config) => {
      draft(config)["on"].PredictionAbsent.target = ".unknown";
    },
  },
  {
    name: "an accepted call is not seen waiting",
    plant: (config) => {
      draft(config)["on"].PredictionAccepted.target = ".active";
    },
  },
  {
    name: "a rejected output ends the wait for its repair",
    plant: (config) => {
      delete draft(config)["on"].OutputRejected;
    },
  },
  {
    name: "a takeover is refused",
    plant: (config) => {
      delete config["on"].Claimed;
    },
  },
  {
    name: "a job that waits for a slot cannot be cancelled",
    plant: (config) => {
      delete config["states"].pending.on.CancelRequested;
    },
  },
  {
    name: "an entry is not recorded",
    plant: (config) => {
      delete draft(config)["on"].AttemptTimedOut.actions;
    },
  },
];

const waits = (config: Config): Config => config["states"].running.states.review;

const bugsOfSignals: ReadonlyArray<Bug> = [
  {
    name: "a signal that comes early is not kept",
    plant: (config) => {
      delete config["states"].running.on.SignalReceived;
    },
  },
  {
    name: "a signal does not end the wait for it",
    plant: (config) => {
      delete waits(config)["on"].SignalReceived;
    },
  },
  {
    name: "a signal is taken twice",
    plant: (config) => {
      for (const one of config["states"].running.on.SignalReceived) delete one.guard;
    },
  },
  {
    name: "a signal that comes too late is lost",
    plant: (config) => {
      delete config["states"].failed.on.SignalReceived;
    },
  },
  {
    name: "a step that waits is not seen waiting",
    plant: (config) => {
      for (const one of waits(config)["on"].SignalAwaited) one.target = ".active";
    },
  },
  {
    name: "an early signal is waited for",
    plant: (config) => {
      waits(config)["on"].SignalAwaited.shift();
    },
  },
];

/** A driver of the plan's machine with the bug in it. */
const driverWith =
  ({ plant }: Bug) =>
  (plan: PipelinePlan): JobDriver => {
    const machine = compile(plan);
    // Transition objects are shared between states of a compiled config: each state gets its own here.
    const config = JSON.parse(JSON.stringify(machine.config));
    plant(config);
    const mutant: unknown = createMachine(config, machine.implementations as never);
    // The same machine but for one transition: it has the type of the one it was made from.
    return makeDriver(plan, mutant as typeof machine);
  };

/** The first path that fails on the bug, which ends the search; undefined where none does. */
const foundBy = async (bug: Bug, pipeline: AnyPipeline): Promise<string | undefined> => {
  const suite = paths(pipeline, { driverOf: driverWith(bug) });
  for (const path of suite) {
    try {
      await path.run();
    } catch {
      return path.name;
    }
  }
  expect(suite.uncovered()).toEqual([]);
  return undefined;
};

test.each(bugs)("the paths find that $name", async (bug) => {
  expect(await foundBy(bug, article)).toBeDefined();
});

test.each(bugsOfSignals)("the paths of a pipeline that waits find that $name", async (bug) => {
  expect(await foundBy(bug, shop)).toBeDefined();
});

test.each([article, shop])("without a bug the paths of $name find nothing", async (pipeline) => {
  expect(await foundBy({ name: "none", plant: () => undefined }, pipeline)).toBeUndefined();
});
