/** A pipeline as a picture and as data, frozen as they are. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { describePipeline } from "../../src/machines/describe.ts";
import { toMermaid } from "../../src/machines/mermaid.ts";
import { Pipeline } from "../../src/machines/pipeline.ts";
import { Step } from "../../src/steps/step.ts";
import { asking, poster } from "./chains.ts";

describe("the Mermaid diagram", () => {
  test("shows steps in order, cancelling, and the kinds of failure", async () => {
    await expect(toMermaid(poster)).toMatchFileSnapshot("goldens/poster.mmd");
  });

  test("shows what happens in model steps where asked to", async () => {
    const diagram = toMermaid(poster, { isDetailed: true });
    await expect(diagram).toMatchFileSnapshot("goldens/poster-detailed.mmd");
  });

  test("shows which steps wait for a signal, and what may come of it", async () => {
    await expect(toMermaid(asking)).toMatchFileSnapshot("goldens/asking.mmd");
    const diagram = toMermaid(asking, { isDetailed: true });
    await expect(diagram).toMatchFileSnapshot("goldens/asking-detailed.mmd");
  });

  test("gives every state an id of its own that is no word of Mermaid's", () => {
    const names = ["note", "step-note", "a-b", "failed", "timeout", "state"];
    const diagram = toMermaid(chainOf(names));
    for (const name of names) expect(diagram).toContain(`state "${name}" as `);
    const ids = [...diagram.matchAll(/ as (\S+)/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(names.length + 1);
    expect(ids.filter((id) => id === undefined || !/^\w+$/.test(id))).toEqual([]);
    expect(diagram).toContain("Step_note --> step_note : StepSucceeded");
  });
});

describe("the description", () => {
  test("names schemas, models, bounds and policies", async () => {
    const json = `${JSON.stringify(describePipeline(poster), null, 2)}\n`;
    await expect(json).toMatchFileSnapshot("goldens/poster.json.golden");
  });

  test("names what is sent to a step that waits, and for how long it does", () => {
    const [price, , review] = describePipeline(asking).steps;
    expect(price).toMatchObject({
      kind: "signal",
      timeout: null,
      signal: { value: { required: ["headline"] }, timeoutMs: null },
    });
    expect(review).toMatchObject({
      kind: "signal",
      fails: ["validation", "timeout", "policy"],
      signal: { value: { required: ["approved"] }, timeoutMs: 259_200_000 },
    });
  });

  test.each([poster, asking])("is plain JSON of $name", (pipeline) => {
    const description = describePipeline(pipeline);
    expect(JSON.parse(JSON.stringify(description))).toEqual(description);
  });

  test("keeps the definitions that a schema refers to", () => {
    const Name = Schema.String.annotate({ identifier: "Name" });
    const step = Step.make("greet", { input: Name, output: Name, run: (name) => name });
    const pipeline = Pipeline.make("greeting", { version: 1, input: Name })
      .step(step)
      .output(Name, ({ last }) => last);
    expect(describePipeline(pipeline).input).toEqual({
      $ref: "#/$defs/Name",
      $defs: { Name: { type: "string" } },
    });
  });
});

const chainOf = (names: ReadonlyArray<string>) => {
  const step = Step.make("step", { input: Schema.String, output: Schema.String, run: (a) => a });
  const draft = Pipeline.make("names", { version: 1, input: Schema.String });
  const [first = "", ...others] = names;
  const begun = draft.step(step.as(first));
  return others
    .reduce((longer, name) => longer.step(step.as(name)), begun)
    .output(Schema.String, ({ last }) => last);
};
