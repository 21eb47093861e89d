/** A step is plain data: what was said, and the defaults where nothing was. */
import { Effect, Schema } from "effect";
import { describe, expect, test } from "vitest";
import { PolicyFailure } from "../../src/steps/failure.ts";
import { Parse } from "../../src/steps/parse.ts";
import { Retry } from "../../src/steps/retry.ts";
import { Step } from "../../src/steps/step.ts";

const Concept = Schema.Struct({ headline: Schema.String });

describe("a step that runs a function", () => {
  const run = (text: string) => Effect.succeed(text.length);

  test("is tried once, has ten minutes, may run again and declares nothing, by default", () => {
    const step = Step.make("count", { input: Schema.String, output: Schema.Number, run });
    expect(step).toMatchObject({
      name: "count",
      fails: [],
      timeout: { attemptMs: 600_000 },
      retry: Retry.none,
      isRepeatable: true,
    });
    expect(step.input).toBe(Schema.String);
    expect(step.output).toBe(Schema.Number);
    expect(step.program).toEqual({ kind: "run", run, mapError: undefined });
  });

  test("refuses what no step can be told", () => {
    const words = { input: Schema.String, output: Schema.Number, run };
    // As where types are stripped unread: the compiler refuses a literal, not what has a name.
    const misspelt = { ...words, isRepeatble: false };
    expect(() => Step.make("count", misspelt)).toThrow(
      'step "count": expected nothing but input, output, fails, run, mapError, timeout, retry, isRepeatable, got "isRepeatble"',
    );
    const asked = { input: Schema.String, output: Schema.String, model: "acme/writer" };
    const asking = { ...asked, request: (prompt: string) => ({ prompt }), reapir: 2 };
    expect(() => Step.model("write", asking)).toThrow('step "write": expected nothing but');
  });

  test("keeps what was said", () => {
    const retry = Retry.fixed({ attempts: 2, delayMs: 10 });
    const mapError = () => new PolicyFailure({ rule: "empty" });
    const step = Step.make("count", {
      input: Schema.String,
      output: Schema.Number,
      fails: ["policy"],
      run,
      mapError,
      timeout: { attempt: "5 seconds", step: "1 minute" },
      retry,
      isRepeatable: false,
    });
    expect(step).toMatchObject({
      fails: ["policy"],
      timeout: { attemptMs: 5000, stepMs: 60_000 },
      retry,
      isRepeatable: false,
    });
    expect(step.program).toEqual({ kind: "run", run, mapError });
  });
});

describe("a step that asks a model", () => {
  const request = ({ headline }: typeof Concept.Type) => ({ prompt: headline });

  test("is retried for what may pass, may fail in every way, and recreates a lost call, by default", () => {
    const step = Step.model("prompt", {
      input: Concept,
      output: Schema.String,
      model: "writers/small",
      request,
    });
    expect(step).toMatchObject({
      fails: ["validation", "timeout", "provider", "policy"],
      timeout: { attemptMs: 600_000 },
      retry: Retry.transient(),
      isRepeatable: true,
    });
    expect(step.program).toEqual({
      kind: "model",
      model: "writers/small",
      request,
      parse: Parse.text,
      answer: Schema.String,
      refuse: undefined,
      toOutput: undefined,
      repair: 0,
      onUnknown: "recreate",
      reuseMs: null,
      isReusedAcrossTenants: false,
      isStreamed: false,
    });
  });

  test("keeps what was said", () => {
    const refuse = () => undefined;
    const step = Step.model("prompt", {
      input: Concept,
      output: Concept,
      model: "writers/small",
      request,
      parse: Parse.none,
      refuse,
      repair: 2,
      onUnknown: "ask",
      timeout: "1 minute",
      retry: Retry.none,
    });
    expect(step).toMatchObject({ timeout: { attemptMs: 60_000 }, retry: Retry.none });
    expect(step.program).toMatchObject({ parse: Parse.none, refuse, repair: 2, onUnknown: "ask" });
  });

  test("reads the answer by its own schema where the output is made of more than that", () => {
    const toOutput = ({ input }: { readonly input: typeof Concept.Type }) => input;
    const step = Step.model("check", {
      input: Concept,
      output: Concept,
      model: "judges/small",
      request,
      answer: { schema: Schema.String, toOutput },
    });
    expect(step.output).toBe(Concept);
    expect(step.program).toMatchObject({ parse: Parse.text, answer: Schema.String, toOutput });
  });
});

test("a step under another name is the same step, and can be renamed again", () => {
  const step = Step.make("count", {
    input: Schema.String,
    output: Schema.Number,
    run: (text) => text.length,
  });
  const again = step.as("again");
  expect(again.name).toBe("again");
  expect({ ...again, name: "count", as: undefined }).toEqual({ ...step, as: undefined });
  expect(again.program).toBe(step.program);
  expect(again.as("third").name).toBe("third");
  expect(step.name).toBe("count");
});

describe("a step refuses, by its name and the option's", () => {
  const good = { input: Schema.String, output: Schema.String, run: (text: string) => text };
  // What plain JavaScript might give.
  const make = (options: object) => () => Step.make("work", { ...good, ...options });

  test.for<[string, object, string]>([
    [
      "a schema of another library",
      { input: { parse: () => "x" } },
      "input to be a schema of effect, got an object",
    ],
    ["no function", { run: undefined }, "run to be a function, got undefined"],
    [
      "kinds of failure that do not exist",
      { fails: ["providers"] },
      'fails to be a list of some of validation, timeout, provider, policy, got ["providers"]',
    ],
    [
      "a retry that is no policy",
      { retry: 3 },
      "retry to be a retry policy such as Retry.transient({ attempts: 3 }), got 3",
    ],
  ])("%s", ([, options, words]) => {
    expect(make(options)).toThrow(`step "work": expected ${words}`);
  });

  test("no model", () => {
    const { run: _, ...schemas } = good;
    const ask = () => Step.model("ask", { ...schemas, model: "", request: () => ({}) });
    expect(ask).toThrow(
      'step "ask": expected model to be the name of a model, such as "owner/name", got ""',
    );
  });

  test("a misspelt number of attempts", () => {
    const misspelt: object = { attemps: 2 };
    expect(() => Retry.transient(misspelt)).toThrow(/attemps/u);
  });
});
