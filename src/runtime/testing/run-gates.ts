/**
 * Gates before the run steps of a pipeline under test: an attempt waits until its path says how it
 * shall end. A success really runs the user's function, unless the step is substituted; its failures, which
 * nothing outside can provoke, are put in its place.
 */
import { Deferred, Effect } from "effect";
import type { RunEnding } from "../../machines/paths/act.ts";
import type { AnyPipeline } from "../../machines/pipeline.ts";
import type { PipelinePlan, StepNode } from "../../machines/plan.ts";
import { PolicyFailure, ProviderFailure } from "../../steps/failure.ts";
import type { RunProgram, StepContext } from "../../steps/step.ts";
import type { StepAnswers } from "./generated.ts";
import type { Substitutes } from "./substitutes.ts";
import type { ProcessId } from "./test-process.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface GateSetting {
  readonly answers: ReadonlyMap<string, StepAnswers>;
  readonly substitutes: Substitutes;
}

export class RunGates {
  readonly #time: VirtualTime;
  readonly #setting: GateSetting;
  readonly #gates = new Map<string, Deferred.Deferred<RunEnding>>();
  #isOpen = false;

  constructor(time: VirtualTime, setting: GateSetting) {
    this.#time = time;
    this.#setting = setting;
  }

  #gate(path: string, attempt: number): Deferred.Deferred<RunEnding> {
    const name = `${path}/${attempt}`;
    const known = this.#gates.get(name);
    if (known !== undefined) return known;
    const gate = Deferred.makeUnsafe<RunEnding>();
    if (this.#isOpen) Deferred.doneUnsafe(gate, Effect.succeed("valid"));
    this.#gates.set(name, gate);
    return gate;
  }

  /** The attempt ends like this, however often it is begun. */
  open(path: string, attempt: number, ending: RunEnding): void {
    Deferred.doneUnsafe(this.#gate(path, attempt), Effect.succeed(ending));
  }

  /** Every attempt from now on succeeds. */
  openAll(): void {
    this.#isOpen = true;
    for (const gate of this.#gates.values()) Deferred.doneUnsafe(gate, Effect.succeed("valid"));
  }

  /** The plan with a gate before each run step, as this process runs it. */
  guarded(plan: PipelinePlan, process: ProcessId): PipelinePlan {
    const nodes = plan.nodes.map((node) => {
      const { program } = node.step;
      if (program.kind !== "run") return node;
      const run = (input: never, context: StepContext) =>
        Effect.flatMap(Deferred.await(this.#gate(node.path, context.attempt)), (ending) =>
          ending === "valid"
            ? this.#really(node, process, () => program.run(input, context))
            : this.#instead(node, ending),
        );
      return { ...node, step: { ...node.step, program: { ...program, run } satisfies RunProgram } };
    });
    return { ...plan, nodes };
  }

  #really(
    { path }: StepNode,
    process: ProcessId,
    run: () => unknown,
  ): Effect.Effect<unknown, unknown> {
    const { substitutes, answers } = this.#setting;
    const substituted = Effect.sync(() => answers.get(path)?.valid);
    if (substitutes.has(path)) return substituted;
    return Effect.suspend(() =>
      process.isDead ? Effect.never : this.#time.usersCode(asEffect(run), process),
    ).pipe(
      Effect.catchCause((cause) =>
        substitutes.lacksService(path, cause) ? substituted : Effect.failCause(cause),
      ),
    );
  }

  #instead({ path }: StepNode, ending: RunEnding): Effect.Effect<unknown, unknown> {
    switch (ending) {
      case "timeout":
        return Effect.never;
      case "provider":
        return Effect.fail(
          new ProviderFailure({ reason: "Unavailable", provider: path, detail: "as scripted" }),
        );
      case "policy":
        return Effect.fail(new PolicyFailure({ rule: "as-scripted" }));
      case "defect":
        return Effect.die(new Error("a defect, as scripted"));
      default:
        return Effect.succeed(this.#setting.answers.get(path)?.invalid);
    }
  }
}

/** The pipeline with its run steps counted as code of the user's, for which time waits. */
export const withCountedSteps = (
  pipeline: AnyPipeline,
  time: VirtualTime,
  process: ProcessId,
): AnyPipeline => {
  const nodes = pipeline.plan.nodes.map((node) => {
    const { program } = node.step;
    if (program.kind !== "run") return node;
    const run = (input: never, context: StepContext) =>
      time.usersCode(
        asEffect(() => program.run(input, context)),
        process,
      );
    return { ...node, step: { ...node.step, program: { ...program, run } } };
  });
  return { ...pipeline, plan: { ...pipeline.plan, nodes } };
};

/** Whatever the user's function returns, as one Effect. */
const asEffect = (run: () => unknown): Effect.Effect<unknown, unknown> =>
  Effect.suspend(() => {
    const returned = run();
    // Its services are those of the layer that the test was given.
    if (Effect.isEffect(returned)) return returned as Effect.Effect<unknown, unknown>;
    return returned instanceof Promise
      ? Effect.tryPromise({ try: (): Promise<unknown> => returned, catch: (error) => error })
      : Effect.succeed(returned);
  });
