/** What the builder writes down, and what it refuses where types cannot. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Pipeline, PipelineError } from "../../src/machines/pipeline.ts";
import { Step } from "../../src/steps/step.ts";

const shout = Step.make("shout", {
  input: Schema.String,
  output: Schema.String,
  run: (text) => text.toUpperCase(),
});
const count = Step.make("count", {
  input: Schema.String,
  output: Schema.Number,
  run: (text) => text.length,
});

const start = () => Pipeline.make("words", { version: 3, input: Schema.String });

const errorOf = (build: () => unknown): PipelineError => {
  try {
    build();
  } catch (error) {
    if (error instanceof PipelineError) return error;
    throw error;
  }
  throw new Error("the pipeline was built");
};

describe("a pipeline", () => {
  const pipeline = start()
    .step(shout)
    .step(count, ({ outputs }) => outputs.shout)
    .output(Schema.Number, ({ last }) => last);

  test("is its plan: name, version, schemas and steps in order", () => {
    expect(pipeline.name).toBe("words");
    expect(pipeline.plan).toMatchObject({ name: "words", version: 3 });
    expect(pipeline.plan.input).toBe(Schema.String);
    expect(pipeline.plan.output.schema).toBe(Schema.Number);
    expect(pipeline.plan.nodes.map(({ kind, path }) => [kind, path])).toEqual([
      ["step", "shout"],
      ["step", "count"],
    ]);
  });

  test("hands the last output on where there is no mapper", () => {
    expect(pipeline.plan.nodes[0]?.mapper).toBeUndefined();
  });

  test("keeps the mappers, which see input, outputs and last", () => {
    const scope = { input: "a", outputs: { shout: "A", count: 1 }, last: 1 };
    expect(pipeline.plan.nodes[1]?.mapper?.(scope)).toBe("A");
    expect(pipeline.plan.output.map(scope)).toBe(1);
  });

  test("takes a step twice under two names", () => {
    const twice = start().step(shout).step(shout.as("again"));
    expect(twice.plan.nodes.map(({ path, step }) => [path, step.name])).toEqual([
      ["shout", "shout"],
      ["again", "again"],
    ]);
  });
});

test("a draft is not changed by what is added to it", () => {
  const draft = start().step(shout);
  const one = draft.step(count);
  const other = draft.step(shout.as("louder"));
  expect(draft.plan.nodes).toHaveLength(1);
  expect(one.plan.nodes.map(({ path }) => path)).toEqual(["shout", "count"]);
  expect(other.plan.nodes.map(({ path }) => path)).toEqual(["shout", "louder"]);
});

describe("the builder refuses", () => {
  test.for(["", "Words", "1word", "my words", "a/b", "(output)", "müll"])(
    "the name %j, of a pipeline and of a step",
    (name) => {
      const pipeline = errorOf(() => Pipeline.make(name, { version: 1, input: Schema.String }));
      expect(pipeline).toMatchObject({ field: "name", got: JSON.stringify(name) });
      expect(pipeline.message).toContain("/^[a-z][a-z0-9-]*$/");
      const step = errorOf(() => start().step(shout.as(name)));
      expect(step).toMatchObject({ pipeline: "words", field: "step", got: JSON.stringify(name) });
      expect(step.message).toContain("/^[a-z][a-z0-9-]*$/");
    },
  );

  test("a name that is no text", () => {
    // Users of plain JavaScript have no types.
    const name: string = JSON.parse("null");
    expect(errorOf(() => start().step(shout.as(name)))).toMatchObject({
      field: "step",
      got: "null",
    });
  });

  test("a step name that is taken, and says how to use the step again", () => {
    const name: string = "shout";
    const error = errorOf(() =>
      start()
        .step(shout)
        .step(count)
        .step(shout.as(name), () => "a"),
    );
    expect(error).toMatchObject({ pipeline: "words", field: "step", got: '"shout"' });
    expect(error.message).toContain('.as("another-name")');
  });

  test.for([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    "the version %d",
    (version) => {
      const error = errorOf(() => Pipeline.make("words", { version, input: Schema.String }));
      expect(error.message).toBe(
        `Pipeline "words": expected version to be a positive integer, got ${version}`,
      );
    },
  );

  test("what is no step, such as one that a circle of imports has not made yet", () => {
    // @ts-expect-error as plain JavaScript sees it
    const error = errorOf(() => start().step(undefined));
    expect(error.message).toBe('Pipeline "words": expected step to be a step, got undefined');
  });

  test("to end a pipeline without steps", () => {
    const error = errorOf(() => start().output(Schema.String, ({ input }) => input));
    expect(error).toMatchObject({ field: "steps" });
    expect(error.message).toContain("at least one step");
  });
});
