/** The paths of a pipeline as tests for any runner, and what of its machine they have not seen. */
import { Result } from "effect";
import type { Layer, Schema } from "effect";
import { type JobDriver, makeDriver } from "../../machines/advance.ts";
import type { Entry } from "../../machines/entry.ts";
import type { LayerOption } from "../../machines/layer-option.ts";
import { type PathPlan, planPaths, type PlannedPath } from "../../machines/paths.ts";
import type { Provocable } from "../../machines/paths/act.ts";
import { takenBy } from "../../machines/paths/transitions.ts";
import type { AnyPipeline, ServicesOf } from "../../machines/pipeline.ts";
import type { PipelinePlan, StepNode } from "../../machines/plan.ts";
import { codecOf } from "../codecs.ts";
import {
  answersOf,
  type GivenAnswers,
  inputsOf,
  NothingGenerated,
  type StepAnswers,
} from "./generated.ts";
import { runPath, type PathSetting } from "./path-run.ts";

export interface PathSettings {
  /** Where inputs and answers are made from. Default: 1. */
  readonly seed?: number;
  /** Answers by step name, where those made from the schemas do not do. */
  readonly answers?: Readonly<Record<string, GivenAnswers>>;
  /** Run steps whose functions are not run: they return a value made from their output schema. */
  readonly replace?: ReadonlyArray<string>;
  /** The job's input. Default: one made from the pipeline's input schema. */
  readonly input?: unknown;
  /** The driver that the jobs run on, where it is not the compiled machine's: to plant bugs. */
  readonly driverOf?: (plan: PipelinePlan) => JobDriver;
}

export type PathOptions<P extends AnyPipeline> = PathSettings & LayerOption<ServicesOf<P>>;

/** What happens on the path is its name. */
export interface Path {
  readonly name: string;
  /** Runs it against the real runtime in virtual time. Rejects with: PathFailure. */
  run(): Promise<void>;
}

export interface PathSuite extends Iterable<Path> {
  readonly paths: ReadonlyArray<Path>;
  readonly seed: number;
  /** The machine's transitions that no path took that has run so far, by readable ids. */
  uncovered(): ReadonlyArray<string>;
  /** Transitions that no job of this pipeline can take, and why. */
  readonly impossible: PathPlan["impossible"];
}

/** A step is tried three times at most: two retries show all that more would. */
const maxAttempts = 3;

/** Bounds over many attempts are left out: paths take whatever time they take. */
const bounded = (plan: PipelinePlan): PipelinePlan => ({
  ...plan,
  nodes: plan.nodes.map((node): StepNode => {
    const { retry, timeout } = node.step;
    const { stepMs: _, ...bounds } = timeout;
    const attempts = Math.min(retry.attempts, maxAttempts);
    return { ...node, step: { ...node.step, retry: { ...retry, attempts }, timeout: bounds } };
  }),
});

/**
 * The paths through the pipeline that together take every transition of its machine: every way each step
 * can end, and at every place every ordered pair of its result, a cancel, a pause and a crash. Needs no
 * provider and no store. Throws NothingGenerated where the schemas give no input or answer.
 */
export const paths = <P extends AnyPipeline>(
  pipeline: P,
  ...[options]: {} extends PathOptions<P> ? [options?: PathOptions<P>] : [options: PathOptions<P>]
): PathSuite => {
  const given: PathSettings & { readonly layer?: unknown } = options ?? {};
  const { seed = 1, driverOf, replace = [] } = given;
  const plan = bounded(pipeline.plan);
  const driver = makeDriver(plan);
  const answers = answersOf(plan, seed, given.answers);
  const planned = planPaths(plan, driver, (path) => provocable(answers.get(path)));
  const setting: PathSetting = {
    plan,
    driver,
    driverOf,
    answers,
    input: inputFor(pipeline, seed, given.input),
    seed,
    // Whether there is a layer, and of what, was decided by the pipeline's types.
    layer: given.layer as Layer.Layer<never> | undefined,
    isReplaced: (path) => replace.includes(path),
  };
  return suiteOf(setting, planned);
};

const provocable = (answers: StepAnswers | undefined): Provocable => ({
  invalid: answers?.invalid !== undefined,
  refused: answers?.refused !== undefined,
});

const inputFor = (pipeline: AnyPipeline, seed: number, given: unknown): Schema.Json => {
  const inputs: ReadonlyArray<unknown> =
    given === undefined ? inputsOf(pipeline, { seed, count: 1 }) : [given];
  const [made] = inputs;
  const encoded = codecOf(pipeline.plan.input).encode(made);
  if (Result.isSuccess(encoded)) return encoded.success;
  throw new NothingGenerated(`the input of ${pipeline.name} does not fit its schema`);
};

const suiteOf = (setting: PathSetting, planned: PathPlan): PathSuite => {
  const taken = new Set<string>();
  const driver = setting.driverOf?.(setting.plan) ?? setting.driver;
  const pathOf = (path: PlannedPath): Path => ({
    name: path.name,
    run: async () => {
      for (const id of takenIn(driver, await runPath(setting, path))) taken.add(id);
    },
  });
  const all = planned.paths.map(pathOf);
  return {
    paths: all,
    seed: setting.seed,
    impossible: planned.impossible,
    uncovered: () => planned.transitions.filter((id) => !taken.has(id)),
    [Symbol.iterator]: () => all[Symbol.iterator](),
  };
};

const takenIn = (driver: JobDriver, entries: ReadonlyArray<Entry>): ReadonlyArray<string> => {
  let snapshot = driver.initial;
  return entries.flatMap((entry) => {
    const ids = takenBy(driver.machine, snapshot, entry);
    snapshot = driver.advance(snapshot, entry).snapshot;
    return ids;
  });
};
