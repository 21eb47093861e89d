/** The paths of a pipeline as tests for any runner, and what of its machine they have not seen. */
import { Result } from "effect";
import type { Layer, Schema } from "effect";
import type { JobDriver } from "../../machines/advance.ts";
import type { Entry } from "../../machines/entry.ts";
import type { LayerOption } from "../../machines/layer-option.ts";
import type { PathPlan, PlannedPath } from "../../machines/paths.ts";
import { takenBy } from "../../machines/paths/transitions.ts";
import type { AnyPipeline, ServicesOf } from "../../machines/pipeline.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import { sentenceOf } from "../../steps/failure.ts";
import { codecOf } from "../services/codecs.ts";
import { answersAt, answersOf, inputsOf, tries } from "./generated.ts";
import type { GivenAnswers } from "./given-answers.ts";
import { planningOf } from "./path-planning.ts";
import { runPath } from "./path-run.ts";
import type { PathSetting } from "./path-stage.ts";
import { Substitutes } from "./substitutes.ts";
import { checkNames, TestOptionError } from "./test-option-error.ts";

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

/**
 * The layer of the services that run steps need, refused by type where none needs any. Without it, a run
 * step whose function asks for a service that is not there answers from its output schema.
 */
export type PathOptions<P extends AnyPipeline> = PathSettings & Partial<LayerOption<ServicesOf<P>>>;

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
  /**
   * Run steps whose functions do not run: those named in `replace`, and those that were found so far to
   * ask for a service where no `layer` was given.
   */
  replaced(): ReadonlyArray<string>;
  /** Transitions that no job of this pipeline can take, and why. */
  readonly impossible: PathPlan["impossible"];
}

/**
 * The paths through the pipeline that together take every transition of its machine: every way each step
 * can end, and at every place every ordered pair of its result, a cancel, a pause and a crash. Needs no
 * provider and no store. Run steps really run; without a `layer`, one that asks for a service is begun
 * once, up to where it asks, and from then on succeeds with a value made from its output schema, or with
 * `answers[step].valid`. Throws NothingGenerated where the schemas give no input or answer, TestOptionError where an option names
 * no step or is not what it is said to be.
 */
export const paths = <P extends AnyPipeline>(pipeline: P, options?: PathOptions<P>): PathSuite => {
  const given: PathSettings & { readonly layer?: unknown } = options ?? {};
  const { seed = 1, driverOf, replace = [] } = given;
  checkNames("the options of paths", Object.keys(given), optionNames);
  const answers = answersOf(pipeline.plan, seed, given.answers);
  const runs = pipeline.plan.nodes.filter(({ step }) => step.program.kind === "run");
  checkNames(
    "replace",
    replace,
    runs.map(({ path }) => path),
  );
  const { plan, driver, planned } = planningOf(pipeline.plan, answers);
  const setting: CommonSetting = {
    plan,
    driver: driverOf?.(plan) ?? driver,
    answers,
    seed,
    // Whether there is a layer, and of what, was decided by the pipeline's types.
    layer: given.layer as Layer.Layer<never> | undefined,
    substitutes: new Substitutes({ named: replace, hasLayer: given.layer !== undefined }),
  };
  return suiteOf(setting, inputsFor(pipeline, seed, given.input), planned);
};

const optionNames = Object.keys({
  seed: true,
  answers: true,
  replace: true,
  input: true,
  driverOf: true,
  layer: true,
} satisfies Record<keyof PathSettings | "layer", true>);

const inputsFor = (
  pipeline: AnyPipeline,
  seed: number,
  given: unknown,
): ReadonlyArray<Schema.Json> => {
  const inputs: ReadonlyArray<unknown> =
    given === undefined ? inputsOf(pipeline, { seed, count: tries }) : [given];
  return inputs.map((input) => {
    const encoded = codecOf(pipeline.plan.input).encode(input);
    if (Result.isSuccess(encoded)) return encoded.success;
    const expected = `a value of the input schema of ${pipeline.plan.name} (${sentenceOf(encoded.failure)})`;
    throw new TestOptionError("input", expected, input);
  });
};

/** Each path has an input and answers of its own: what only some values break is found as well. */
const settingAt = (
  setting: CommonSetting,
  inputs: ReadonlyArray<Schema.Json>,
  index: number,
): PathSetting => ({
  ...setting,
  input: inputs[index % inputs.length] ?? null,
  answers: answersAt(setting.answers, index),
});

type CommonSetting = Omit<PathSetting, "input">;

const suiteOf = (
  setting: CommonSetting,
  inputs: ReadonlyArray<Schema.Json>,
  planned: PathPlan,
): PathSuite => {
  const taken = new Set<string>();
  const { driver, substitutes } = setting;
  const pathOf = (path: PlannedPath): Path => ({
    name: path.name,
    run: async () => {
      const entries = await runPath(settingAt(setting, inputs, path.index), path);
      for (const id of takenIn(driver, entries)) taken.add(id);
    },
  });
  const all = planned.paths.map(pathOf);
  return {
    paths: all,
    seed: setting.seed,
    impossible: planned.impossible,
    replaced: () => substitutes.names(),
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
