/** One check lets texts and pictures through as they came, or blocks them; what it cannot read it lets nobody pass. */
import { Effect, Schema } from "effect";
import { describe, expect, test } from "vitest";
import { Asset, Pipeline, PolicyFailure, ProviderFailure, Steps } from "../../../src/index.ts";
import { paths, testCatena } from "../../../src/testing.ts";
import { alone, runAlone, runOnFile, scripted } from "./alone.ts";

const model = "judges/small";
const check = Steps.moderate("check", { model, rule: "house rules", limits: { violence: 0.8 } });

describe("a check by a model", () => {
  test("asks about a text and hands it on as it came", async () => {
    const { requests, answer } = scripted({ violence: 0.79, hate: 0.1 });
    const { outcome, ledger } = await runAlone(check, " a walk in the park ", { check: answer });
    expect(outcome).toEqual({ status: "complete", output: " a walk in the park " });
    expect(requests).toEqual([{ prompt: " a walk in the park " }]);
    expect(ledger).toHaveLength(1);
  });

  test("asks about a picture and hands it on as it came", async () => {
    const { requests, answer } = scripted("normal");
    const { outcome } = await runOnFile("image", check, { check: answer });
    expect(outcome).toMatchObject({ output: { contentType: "image/png", sizeBytes: 70 } });
    expect(requests).toEqual([{ image: expect.stringMatching(/^data:image\/png/) }]);
  });

  test("blocks by the limit of a category, and says by what and how much", async () => {
    const { outcome } = await runAlone(check, "a fight", { check: { violence: 0.8, hate: 0.1 } });
    expect(outcome).toMatchObject({
      status: "failed",
      kind: "policy",
      failure: {
        rule: "house rules",
        categories: ["violence"],
        scores: { violence: 0.8, hate: 0.1 },
      },
      message: "The content was not accepted: house rules.",
    });
  });

  test("blocks a category without a limit of its own from one half on", async () => {
    const { outcome } = await runAlone(check, "…", { check: { violence: 0.7, hate: 0.5 } });
    expect(outcome).toMatchObject({ kind: "policy", failure: { categories: ["hate"] } });
  });

  test("asks with the fields that its model has, and reads what only that model writes", async () => {
    const { requests, answer } = scripted({ risk: 3 });
    const step = Steps.moderate("check", {
      model,
      request: ({ text, image }) => ({
        content: text ?? image,
        kind: text === undefined ? "i" : "t",
      }),
      scores: (raw) => ({ risk: Number(Schema.decodeUnknownSync(Risk)(raw).risk) / 4 }),
    });
    const { outcome } = await runAlone(step, "hm", { check: answer });
    expect(requests).toEqual([{ content: "hm", kind: "t" }]);
    expect(outcome).toMatchObject({ kind: "policy", failure: { scores: { risk: 0.75 } } });
  });
});

const Risk = Schema.Struct({ risk: Schema.Int });

describe("an answer", () => {
  const verdictOn = async (answer: unknown) => {
    const { outcome } = await runAlone(check, "…", { check: () => answer });
    if (outcome.status !== "failed") return "passes";
    return outcome.failure instanceof PolicyFailure ? outcome.failure.categories : outcome.kind;
  };

  test.for([
    ["safe", "passes"],
    ["Normal.", "passes"],
    ["nsfw", ["nsfw"]],
    ["unsafe", ["unsafe"]],
    ["unsafe\nS1,S10", ["S1", "S10"]],
    [{ flagged: false }, "passes"],
    [{ flagged: true }, ["flagged"]],
    [{ safe: false }, ["not safe"]],
    [{ normal: 0.98, nsfw: 0.02 }, "passes"],
    [{ normal: 0.1, nsfw: 0.9 }, ["nsfw"]],
    [[{ label: "normal", score: 0.98 }], "passes"],
    [[{ label: "normal", score: 0.3 }], ["not normal"]],
    [{ label: "porn" }, ["porn"]],
    ['{"hate": 0.9, "reason": "a slur"}', ["hate"]],
    [{ results: [{ flagged: true, category_scores: { hate: 0.6 } }] }, ["hate"]],
    [{ categories: { hate: true, spam: false } }, ["hate"]],
  ] as const)("%j: %j", async ([answer, verdict]) => {
    expect(await verdictOn(answer)).toEqual(verdict);
  });

  test.for(
    [
      "",
      "I think that this is fine.",
      "{",
      null,
      7,
      true,
      [],
      {},
      { reason: "fine" },
      ["safe"],
      { results: [] },
    ].map((answer) => ({ answer })),
  )("that cannot be read lets nothing through: $answer", async ({ answer }) => {
    expect(await verdictOn(answer)).toBe("validation");
  });
});

describe("a check by a function", () => {
  const words = (content: string | Asset) => ({
    swearing: typeof content === "string" && content.includes("damn") ? 1 : 0,
  });

  test("costs nothing, and may answer a value, a promise or an Effect", async () => {
    const judges = [
      words,
      async (content: string | Asset) => words(content),
      (content: string | Asset) => Effect.succeed(words(content)),
    ];
    for (const judge of judges) {
      const step = Steps.moderate("check", { judge });
      const { outcome, ledger } = await runAlone(step, "fine");
      expect(outcome).toEqual({ status: "complete", output: "fine" });
      expect(ledger).toEqual([]);
      const blocked = await runAlone(step, "damn");
      expect(blocked.outcome).toMatchObject({
        kind: "policy",
        failure: { rule: "check", categories: ["swearing"], scores: { swearing: 1 } },
      });
    }
  });

  test("may fail as a step may, by an Effect or by throwing", async () => {
    const away = new ProviderFailure({ provider: "judge", reason: "Unavailable", detail: "away" });
    for (const judge of [() => Effect.fail(away), () => Promise.reject(away)]) {
      const { outcome } = await runAlone(Steps.moderate("check", { judge }), "fine");
      expect(outcome).toMatchObject({ kind: "provider", failure: { detail: "away" } });
    }
  });

  test("is asked again where its trouble may pass", async () => {
    const away = new ProviderFailure({ provider: "judge", reason: "Unavailable", detail: "away" });
    let asked = 0;
    const judge = () => (asked++ === 0 ? Effect.fail(away) : Effect.succeed({}));
    const { outcome } = await runAlone(Steps.moderate("check", { judge }), "fine");
    expect(outcome.status).toBe("complete");
    expect(asked).toBe(2);
  });

  test.for([
    { scores: undefined },
    { scores: { swearing: Number.NaN } },
    { scores: { swearing: "1" } },
    { scores: true },
  ])("whose scores are none lets nothing through: $scores", async ({ scores }) => {
    // Plain JavaScript has no types to keep it from this.
    const step = Steps.moderate("check", { judge: () => scores as never });
    const { outcome } = await runAlone(step, "fine");
    expect(outcome).toMatchObject({ status: "failed", kind: "defect" });
  });

  test("can leave a category out by a limit that no score reaches", async () => {
    const step = Steps.moderate("check", { judge: words, limits: { swearing: 1.1 } });
    expect((await runAlone(step, "damn")).outcome.status).toBe("complete");
  });
});

test.for([{ limit: Number.NaN }, { limit: -1 }, { limits: { hate: Number.NaN } }])(
  "a limit that is no number is refused: %o",
  (limits) => {
    expect(() => Steps.moderate("check", { model, ...limits })).toThrow(/expected the limit of/);
  },
);

describe("one check in one pipeline, on the text before and the picture after the paid call", () => {
  const Idea = Schema.Struct({ title: Schema.String, scene: Schema.String });
  const poster = Pipeline.make("poster", { version: 1, input: Idea })
    .step(check.as("check-idea", Idea, ({ title, scene }) => `${title}\n${scene}`))
    .step(
      Steps.image("paint", { model: "painters/small", input: Idea, prompt: ({ scene }) => scene }),
    )
    .step(check.as("check-picture", Asset.Image))
    .output(
      Schema.Struct({ title: Schema.String, picture: Schema.String }),
      ({ outputs, last }) => ({
        title: outputs["check-idea"].title,
        picture: last.contentType,
      }),
    );
  const idea = { title: "Cold", scene: "a bottle in the rain" };

  test("lets both through", async () => {
    const { requests, answer } = scripted("safe");
    await using t = await testCatena({
      pipelines: [poster],
      answers: { "check-idea": answer, "check-picture": answer },
    });
    const { outcome } = await t.run(poster, idea);
    expect(outcome).toEqual({
      status: "complete",
      output: { title: "Cold", picture: "image/png" },
    });
    expect(requests).toEqual([
      { prompt: "Cold\na bottle in the rain" },
      { image: expect.stringMatching(/^data:image/) },
    ]);
  });

  test("pays for no picture where the text is blocked", async () => {
    await using t = await testCatena({
      pipelines: [poster],
      answers: { "check-idea": "unsafe\nviolence" },
    });
    const { outcome, ledger } = await t.run(poster, idea);
    expect(outcome).toMatchObject({ step: "check-idea", kind: "policy" });
    expect(ledger.map(({ path }) => path)).toEqual(["check-idea"]);
  });

  test("blocks the picture under the same rule", async () => {
    await using t = await testCatena({
      pipelines: [poster],
      answers: { "check-idea": "safe", "check-picture": "nsfw" },
    });
    const { outcome } = await t.run(poster, idea);
    expect(outcome).toMatchObject({
      step: "check-picture",
      kind: "policy",
      failure: { rule: "house rules", categories: ["nsfw"] },
    });
  });

  const suite = paths(poster);
  for (const path of suite) test(path.name, () => path.run());
  test("leaves no transition untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
});

test("a check is a step like any other, under its own name or another", async () => {
  const again = alone(check.as("again"));
  await using t = await testCatena({ pipelines: [again], answers: { again: "safe" } });
  expect((await t.run(again, "text")).outcome).toEqual({ status: "complete", output: "text" });
});
