/** A label is one of those that were given: however it is written, never one that was not meant. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Steps } from "../../../src/index.ts";
import { runAlone, scripted } from "./alone.ts";

const model = "sorters/small";
const labels = ["sales", "Support Case", "C", "C++"] as const;
const sort = Steps.classify("sort", { model, labels, repair: 0 });
const labelOf = async (answer: unknown) => {
  const { outcome } = await runAlone(sort, "some text", { sort: () => answer });
  return outcome.status === "complete" ? outcome.output : outcome;
};

describe("an answer", () => {
  test.for([
    ["sales", "sales"],
    [" SALES.\n", "sales"],
    ["**Sales**", "sales"],
    ["“sales”", "sales"],
    ["support_case", "Support Case"],
    ["Label: support case", "Support Case"],
    ['The category is "sales".', "sales"],
    ["C", "C"],
    ["C++", "C++"],
    ['{"label": "sales"}', "sales"],
    [{ label: "sales" }, "sales"],
    [
      [
        { label: "support case", score: 0.2 },
        { label: "sales", score: 0.7 },
      ],
      "sales",
    ],
  ] as const)("%j means %s", async ([answer, label]) => {
    expect(await labelOf(answer)).toBe(label);
  });

  test.for([
    "billing",
    "",
    "c",
    "not sales",
    "sales or support case",
    "This is not about sales.",
    "++",
    null,
    7,
    [],
    { label: "billing" },
    [
      { label: "billing", score: 0.9 },
      { label: "sales", score: 0.1 },
    ],
  ])("%j means none, and the failure names those that are allowed", async (answer) => {
    expect(await labelOf(answer)).toMatchObject({
      status: "failed",
      kind: "validation",
      failure: {
        at: "output",
        issues: [{ message: expect.stringContaining("sales, Support Case, C, C++, got") }],
      },
    });
  });
});

test("a wrong label is asked for once more, with the allowed ones", async () => {
  const { requests, answer } = scripted("billing", "sales");
  const step = Steps.classify("sort", {
    model,
    labels: { sales: "wants to buy", spam: "the rest" },
  });
  const { outcome } = await runAlone(step, "Can I buy this?", { sort: answer });
  expect(outcome).toEqual({ status: "complete", output: "sales" });
  expect(requests[0]?.["prompt"]).toContain("- sales: wants to buy\n- spam: the rest");
  expect(requests[0]?.["prompt"]).toContain("<text>\nCan I buy this?\n</text>");
  expect(requests[1]?.["prompt"]).toContain(
    'expected one of the labels sales, spam, got "billing"',
  );
});

test("the text can be part of the input, and the request made for a model of another kind", async () => {
  const { requests, answer } = scripted("spam");
  const step = Steps.classify("sort", {
    model,
    labels: ["sales", "spam"],
    input: Schema.Struct({ mail: Schema.String }),
    text: ({ mail }) => mail,
    request: (parts) => ({ sequence: parts.text, candidate_labels: parts.labels.join() }),
  });
  await runAlone(step, { mail: "Buy!" }, { sort: answer });
  expect(requests).toEqual([{ sequence: "Buy!", candidate_labels: "sales,spam" }]);
});

test.for([[[]], [["one"]], [["twice", "twice"]], [{}]])(
  "labels between which there is nothing to choose are refused: %j",
  ([wrong = []]) => {
    expect(() => Steps.classify("sort", { model, labels: wrong })).toThrow(
      "expected labels to be at least two, each once",
    );
  },
);
