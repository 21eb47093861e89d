/** A language model's step asks for the shape it needs, and asks again with what was wrong. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Parse, Retry, Steps } from "../../../src/index.ts";
import { runAlone, scripted } from "./alone.ts";

const model = "writers/small";
const Brief = Schema.Struct({ product: Schema.String });
const Concept = Schema.Struct({
  headline: Schema.NonEmptyString.annotate({ description: "five words at most" }),
  tone: Schema.Literals(["warm", "cool"]),
});

describe("a step that asks for text", () => {
  test("takes text as its prompt and answers text, without being told more than the model", async () => {
    const { requests, answer } = scripted("  A bottle in the rain. \n");
    const { outcome } = await runAlone(Steps.llm("write", { model }), "a bottle", {
      write: answer,
    });
    expect(outcome).toEqual({ status: "complete", output: "A bottle in the rain." });
    expect(requests).toEqual([{ prompt: "a bottle" }]);
  });

  test("makes its prompt from the input, with a system prompt and fields of the model's own", async () => {
    const { requests, answer } = scripted("done");
    const step = Steps.llm("write", {
      model,
      input: Brief,
      prompt: ({ product }) => ({ system: "You sell.", prompt: `Sell ${product}.` }),
      request: { max_tokens: 64 },
    });
    await runAlone(step, { product: "tea" }, { write: answer });
    expect(requests).toEqual([{ prompt: "Sell tea.", system_prompt: "You sell.", max_tokens: 64 }]);
  });

  test("lets the user make the whole request of its parts", async () => {
    const { requests, answer } = scripted("done");
    const step = Steps.llm("write", {
      model,
      input: Brief,
      prompt: ({ product }) => product,
      request: ({ prompt, input }) => ({
        messages: [{ role: "user", content: prompt }],
        about: input,
      }),
    });
    await runAlone(step, { product: "tea" }, { write: answer });
    expect(requests).toEqual([
      { messages: [{ role: "user", content: "tea" }], about: { product: "tea" } },
    ]);
  });

  test("refuses an empty answer after asking twice", async () => {
    const { requests, answer } = scripted(" ", "");
    const { outcome } = await runAlone(Steps.llm("write", { model }), "tea", { write: answer });
    expect(outcome).toMatchObject({ status: "failed", kind: "validation", step: "write" });
    expect(requests).toHaveLength(2);
  });
});

describe("a step that asks for a structured value", () => {
  const concept = Steps.llm("concept", {
    model,
    input: Brief,
    output: Concept,
    prompt: ({ product }) => `A concept for ${product}.`,
  });

  test("says in its prompt what JSON is wanted, descriptions and all", async () => {
    const { requests, answer } = scripted({ headline: "Cold", tone: "cool" });
    const { outcome } = await runAlone(concept, { product: "tea" }, { concept: answer });
    expect(outcome).toMatchObject({
      status: "complete",
      output: { headline: "Cold", tone: "cool" },
    });
    const [{ prompt = "" } = {}] = requests;
    const lines = String(prompt).split("\n");
    expect(lines[0]).toBe("A concept for tea.");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({
      type: "object",
      properties: {
        headline: { type: "string", description: "five words at most" },
        tone: { enum: ["warm", "cool"] },
      },
      required: ["headline", "tone"],
    });
  });

  test("asks once more, with the answer that did not fit and what was wrong with it", async () => {
    const { requests, answer } = scripted(
      '{"headline":"Cold"}',
      '{"headline":"Cold","tone":"cool"}',
    );
    const { outcome, ledger } = await runAlone(concept, { product: "tea" }, { concept: answer });
    expect(outcome).toMatchObject({ status: "complete", output: { tone: "cool" } });
    expect(ledger).toHaveLength(2);
    const again = String(requests[1]?.["prompt"]);
    expect(again).toContain(String(requests[0]?.["prompt"]));
    expect(again.split("Your last answer could not be used:")).toHaveLength(2);
    expect(again).toContain('{"headline":"Cold"}');
    expect(again).toMatch(/- tone: /);
  });

  test("pays for no third answer by default", async () => {
    const { requests, answer } = scripted("no JSON at all");
    const { outcome } = await runAlone(concept, { product: "tea" }, { concept: answer });
    expect(outcome).toMatchObject({ status: "failed", kind: "validation" });
    expect(requests).toHaveLength(2);
  });
});

test("settings of the call are the step's own", () => {
  const parse = Parse.none;
  const step = Steps.llm("write", {
    model,
    timeout: "20 seconds",
    retry: Retry.none,
    repair: 0,
    onUnknown: "ask",
    parse,
  });
  expect(step).toMatchObject({
    name: "write",
    timeout: { attemptMs: 20_000 },
    retry: Retry.none,
    program: { model, repair: 0, onUnknown: "ask", parse },
  });
});

test("a prompt that is no text fails as a bug that names the option", async () => {
  // Plain JavaScript has no types to keep it from this.
  const step = Steps.llm("write", { model, input: Brief, prompt: () => 7 as never });
  const { outcome } = await runAlone(step, { product: "tea" });
  expect(outcome).toMatchObject({
    status: "failed",
    kind: "defect",
    failure: { message: "TypeError: expected prompt to give text, got number" },
  });
});
