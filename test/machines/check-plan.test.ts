/** What the static checks find in a plan, and in machines that no compiler should make. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { checkMachine } from "../../src/machines/check-machine.ts";
import { checkPlan, PipelineUnsound, refuseUnsound } from "../../src/machines/check-plan.ts";
import { compile } from "../../src/machines/compiler.ts";
import {
  graphOf,
  type MachineGraph,
  type MachineState,
  type MachineTransition,
} from "../../src/machines/machine-graph.ts";
import { Pipeline } from "../../src/machines/pipeline.ts";
import type { PipelinePlan } from "../../src/machines/plan.ts";
import { Retry, type RetryPolicy } from "../../src/steps/retry.ts";
import { Step } from "../../src/steps/step.ts";
import type { TimeoutInput } from "../../src/steps/timeout.ts";
import { campaignAssets } from "../../examples/campaign/campaign.ts";
import { asking, poster } from "./chains.ts";

const text = { input: Schema.String, output: Schema.String };

interface Policies {
  readonly retry?: RetryPolicy;
  readonly isRepeatable?: boolean;
  readonly fails?: ReadonlyArray<"provider" | "policy">;
  readonly timeout?: TimeoutInput;
}

const planOf = (...steps: ReadonlyArray<ReturnType<typeof runStep> | typeof modelStep>) => {
  const nodes = steps.map(
    (step) => ({ kind: "step", path: step.name, step, mapper: undefined }) as const,
  );
  const { plan } = poster;
  return { ...plan, nodes } satisfies PipelinePlan;
};

const runStep = (name: string, policies: Policies = {}) =>
  Step.make(name, {
    ...text,
    run: (a) => a,
    ...policies,
  });

const modelStep = Step.model("ask", {
  ...text,
  model: "acme/writer",
  request: (prompt) => ({ prompt }),
  timeout: "30 minutes",
});

const rulesOf = (plan: PipelinePlan) =>
  checkPlan(plan).map(({ rule, where, severity }) => [severity, rule, where]);

describe("a plan", () => {
  test("that is sound has no findings", () => {
    expect(checkPlan(poster.plan)).toEqual([]);
    expect(checkPlan(campaignAssets.plan)).toEqual([]);
  });

  test("with retries that nothing declared leads to is warned about", () => {
    const retry = Retry.transient({ attempts: 3, timeouts: false });
    expect(checkPlan(planOf(runStep("fetch", { retry, fails: ["policy"] })))).toEqual([
      {
        rule: "idle-retry",
        where: "fetch",
        severity: "warning",
        message: expect.stringContaining("3 attempts are never used"),
      },
    ]);
    expect(checkPlan(planOf(runStep("fetch", { retry: Retry.transient() })))).toMatchObject([
      { rule: "idle-retry", message: expect.stringContaining("only those that time out") },
    ]);
    expect(checkPlan(planOf(runStep("fetch", { retry, fails: ["provider"] })))).toEqual([]);
  });

  test("with a first pause that is longer than the step may take is warned about", () => {
    const patient = (step: "1 minute" | "61 seconds") =>
      runStep("fetch", {
        retry: Retry.fixed({ attempts: 3, delayMs: 60_000 }),
        fails: ["provider"],
        timeout: { attempt: "10 seconds", step },
      });
    expect(checkPlan(planOf(patient("1 minute")))).toEqual([
      {
        rule: "idle-retry",
        where: "fetch",
        severity: "warning",
        message:
          "its 3 attempts are never used, as the pause before the second (60000 ms) does not fit in the step's time (60000 ms): pause for less, or give the step longer",
      },
    ]);
    expect(checkPlan(planOf(patient("61 seconds")))).toEqual([]);
  });

  test("with retries of a step that may not run again is warned about", () => {
    const step = runStep("pay", {
      retry: Retry.transient(),
      isRepeatable: false,
      fails: ["provider"],
    });
    expect(rulesOf(planOf(step))).toEqual([["warning", "unrepeatable-retry", "pay"]]);
  });

  test("with a model timeout that the provider's own comes before is warned about", () => {
    expect(rulesOf(planOf(modelStep))).toEqual([["warning", "late-timeout", "ask"]]);
  });

  test("with bounds that never act is warned about", () => {
    const boot = runStep("slow", { timeout: { attempt: "1 minute", boot: "1 minute" } });
    const step = runStep("long", { timeout: { attempt: "1 minute", step: "30 seconds" } });
    expect(rulesOf(planOf(boot, step))).toEqual([
      ["warning", "idle-timeout", "slow"],
      ["warning", "idle-timeout", "long"],
    ]);
  });

  test("with a step named as a state of jobs is warned about", () => {
    expect(rulesOf(planOf(runStep("failed"), runStep("fine")))).toEqual([
      ["warning", "reserved-name", "failed"],
    ]);
  });

  test("with a step named as what every record has already is refused", () => {
    const plan = planOf(runStep("constructor"));
    expect(rulesOf(plan)).toEqual([["error", "reserved-name", "constructor"]]);
    expect(() => refuseUnsound(plan)).toThrow(PipelineUnsound);
    expect(() => refuseUnsound(plan)).toThrow(
      'Pipeline "poster@2" cannot run: constructor: the name belongs to the language',
    );
  });

  test("with two steps of one name is refused", () => {
    const rules = checkPlan(planOf(runStep("twice"), runStep("twice"))).map(({ rule }) => rule);
    expect(rules).toContain("duplicate-step");
  });

  test("with warnings only is not refused", () => {
    expect(() => refuseUnsound(planOf(modelStep))).not.toThrow();
  });

  test("of any length compiles to a machine without findings", () => {
    for (let length = 1; length <= 8; length += 1) {
      const names = Array.from({ length }, (_, index) => `step-${index}`);
      expect(checkPlan(planOf(...names.map((name) => runStep(name))))).toEqual([]);
    }
  });
});

/** Each planted bug is one change of the right machine's graph. */
describe("a machine", () => {
  const right = graphOf(compile(poster.plan));
  const change = (
    path: string,
    part: (state: MachineState) => Partial<MachineState>,
  ): MachineGraph =>
    right.map((state) => (state.path === path ? { ...state, ...part(state) } : state));
  const dropped = (path: string, isDropped: (transition: MachineTransition) => boolean) =>
    change(path, ({ transitions }) => ({
      transitions: transitions.filter((one) => !isDropped(one)),
    }));
  const found = (graph: MachineGraph) =>
    checkMachine(graph).map(({ rule, where }) => `${rule} ${where}`);

  test("that the compiler made has no findings", () => {
    expect(found(right)).toEqual([]);
  });

  test("with a step that nothing leads to has unreachable states", () => {
    const graph = dropped("running.write", ({ event }) => event === "StepSucceeded");
    expect(found(graph)).toContain("unreachable-state running.paint-it.active");
    expect(found(graph)).toContain("unreachable-state complete");
  });

  test("with a state that nothing leaves has a dead end", () => {
    expect(found(dropped("cancelling", () => true))).toEqual(["dead-end cancelling"]);
  });

  test("with a circle of states that nothing leaves cannot come to rest", () => {
    const graph = change("cancelling", ({ transitions }) => ({
      transitions: transitions.map((one) => ({ ...one, targets: ["cancelling"] })),
    }));
    expect(found(graph)).toEqual(["no-rest cancelling"]);
  });

  test("with a kind of failure that leads elsewhere is found out in every running state", () => {
    const graph = change("running", ({ transitions }) => ({
      transitions: transitions.map((one) =>
        one.targets.includes("failed.policy") ? { ...one, targets: ["failed.provider"] } : one,
      ),
    }));
    const leaves = right.filter(
      ({ path, kind }) => path.startsWith("running.") && kind === "atomic",
    );
    const unclassified = found(graph).filter((finding) => finding.startsWith("unclassified"));
    expect(unclassified).toEqual(leaves.map(({ path }) => `unclassified-failure ${path}`));
  });

  test("that may ignore a cancel is found out", () => {
    const graph = dropped(
      "failed",
      ({ event, guard }) => event === "CancelRequested" && guard === null,
    );
    const kinds = ["validation", "timeout", "provider", "policy", "defect"];
    expect(found(graph)).toEqual(kinds.map((kind) => `uncancellable-state failed.${kind}`));
  });

  test("with a transition behind one that takes everything is found out", () => {
    const graph = change("running", ({ transitions }) => ({
      transitions: transitions.toReversed(),
    }));
    expect(found(graph)).toContain("shadowed-transition running");
  });

  test("with a step in which nothing runs is found out", () => {
    expect(found(change("running.store", () => ({ services: [] })))).toEqual([
      "no-service running.store",
    ]);
  });
});

test("a pipeline that waits for signals is sound", () => {
  expect(checkPlan(asking.plan)).toEqual([]);
});

test("checks call no user function", () => {
  const throwing = () => {
    throw new Error("called");
  };
  const step = Step.make("step", { ...text, run: throwing });
  const pipeline = Pipeline.make("quiet", { version: 1, input: Schema.String })
    .step(step, throwing)
    .output(Schema.String, throwing);
  expect(checkPlan(pipeline.plan)).toEqual([]);
});
