/**
 * A journal needs no user function to be read: folded under a plan in which every one of them throws, it
 * gives the very snapshots that the live job had.
 */
import { describe, it } from "@effect/vitest";
import { Effect, Schema } from "effect";
import { expect } from "vitest";
import { type JobSnapshot, makeDriver } from "../../src/machines/advance.ts";
import { Fact } from "../../src/machines/entry.ts";
import type { PipelinePlan, StepNode } from "../../src/machines/plan.ts";
import { stories } from "./fold/stories.ts";
import { tell } from "./fold/story.ts";

const called = (): never => {
  throw new Error("a fold called a user function");
};

const functionless = (program: StepNode["step"]["program"]): StepNode["step"]["program"] => {
  if (program.kind === "run") return { ...program, run: called, mapError: called };
  if (program.kind === "signal") return { ...program, refuse: called, toOutput: called };
  return { ...program, request: called, parse: called, refuse: called };
};

/** Schemas are the user's as well: nothing decodes by these. */
const schemas = { input: Schema.Never, output: Schema.Never };

const throwingPlan = (plan: PipelinePlan): PipelinePlan => ({
  ...plan,
  input: Schema.Never,
  output: { schema: Schema.Never, map: called },
  nodes: plan.nodes.map((node) => ({
    ...node,
    mapper: called,
    step: { ...node.step, ...schemas, program: functionless(node.step.program) },
  })),
});

const seen = ({ value, context, status }: JobSnapshot) => ({ value, context, status });

describe("the journal of a job that", () => {
  it.effect.each(Object.entries(stories))("%s folds to what the live job was", ([, story]) =>
    Effect.gen(function* () {
      const { pipeline, told } = yield* tell(story);
      const driver = makeDriver(throwingPlan(pipeline.plan));
      for (const { entries, snapshot } of told.observations) {
        const until = told.entries.slice(0, entries.at(-1)?.seq);
        expect(seen(driver.fold(until)), `after entry ${until.length}`).toEqual(seen(snapshot));
      }
      expect(told.observations.flatMap(({ entries }) => entries)).toEqual(told.entries);
    }),
  );

  it.effect("is told in these stories holds every type of entry between them", () =>
    Effect.gen(function* () {
      const all = yield* Effect.forEach(Object.values(stories), tell);
      const written = new Set(all.flatMap(({ told }) => told.entries.map(({ type }) => type)));
      const types = Fact.members.map(({ fields }) => fields.type.schema.literal);
      expect([...written].toSorted()).toEqual(types.toSorted());
    }),
  );
});
