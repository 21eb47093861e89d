/** Bugs as users write them: the paths find each, and say where it is, with which values, and how to see it again. */
import { Schema } from "effect";
import { expect, test } from "vitest";
import { Pipeline, Step } from "../../src/index.ts";
import { PathFailure, type PathSuite, paths } from "../../src/testing.ts";

const Note = Schema.Struct({ text: Schema.String, tag: Schema.optionalKey(Schema.String) });

const write = Step.model("write", {
  input: Schema.String,
  output: Note,
  model: "acme/writer",
  request: (topic) => ({ prompt: topic }),
  repair: 1,
});
const polish = Step.make("polish", {
  input: Schema.String,
  output: Schema.String,
  run: (text) => text,
});
const draft = Pipeline.make("draft", { version: 1, input: Schema.String });

/** What went wrong, of all paths, by the path's place. */
const failuresOf = async (suite: PathSuite): Promise<ReadonlyMap<number, PathFailure>> => {
  const failures = new Map<number, PathFailure>();
  for (const [index, path] of suite.paths.entries()) {
    const failure = await path.run().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure instanceof PathFailure) failures.set(index, failure);
    else expect(failure).toBeUndefined();
  }
  return failures;
};

const shout = draft
  .step(write)
  .step(polish, ({ last }) => {
    if (last.tag === undefined) throw new Error("no tag to shout");
    return last.tag.toUpperCase();
  })
  .output(Schema.String, ({ last }) => last);

test.each([1, 2, 3])("a mapper that throws on some answers is found (seed %i)", async (seed) => {
  const suite = paths(shout, { seed });
  const failures = await failuresOf(suite);
  expect(failures.size).toBeGreaterThan(0);
  expect(failures.size).toBeLessThan(suite.paths.length);
  for (const { message } of failures.values()) expect(message).toContain("no tag to shout");
});

test("a failure tells the path, the seed, the input, the journal, and how to run it alone", async () => {
  const [found] = await failuresOf(paths(shout, { seed: 2 }));
  if (found === undefined) return expect.fail("nothing is found");
  const [index, { message }] = found;
  const { paths: all } = paths(shout, { seed: 2 });
  expect(message).toContain(`path "${all[index]?.name}" (seed 2)`);
  expect(message).toContain(`paths(pipeline, { seed: 2 }).paths[${index}].run()`);
  expect(message).toMatch(/expected polish .+, stands at polish failed/);
  expect(message).toMatch(/^input: "/m);
  expect(message).toMatch(/^ {2}1 JobSubmitted$/m);
  await expect(all[index]?.run()).rejects.toThrow("no tag to shout");
});

test("a path that is not reached for a bug leaves transitions uncovered", async () => {
  const Done = Schema.Struct({ text: Schema.String, status: Schema.Literal("complete") });
  const forgetful = draft.step(polish).output(Done, ({ last }) => {
    const half: { readonly text: string; readonly status?: "complete" } = { text: last };
    // The compiler would have found the missing field: as where the value comes from elsewhere.
    return half as typeof Done.Type;
  });
  const suite = paths(forgetful);
  const failures = await failuresOf(suite);
  expect([...failures.values()][0]?.message).toContain('"path":"status","message":"Missing key"');
  expect(suite.uncovered()).toContain("running.(output) --JobCompleted--> complete");
});
