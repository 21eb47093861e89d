/** What can be said of any call of a model can be said of every ready-made one, and reaches its step. */
import { Schema } from "effect";
import { expect, test } from "vitest";
import { Retry, Steps } from "../../../src/index.ts";

const settings = {
  model: "acme/model",
  timeout: "7 seconds",
  retry: Retry.fixed({ attempts: 5, delayMs: 9 }),
  repair: 3,
  onUnknown: "ask",
  reuse: "7 days",
  reuseAcrossTenants: true,
  stream: true,
} as const;

test.each([
  Steps.llm("llm", settings),
  Steps.image("image", settings),
  Steps.caption("caption", settings),
  Steps.transcribe("transcribe", settings),
  Steps.extract("extract", { ...settings, output: Schema.Struct({ total: Schema.Finite }) }),
  Steps.classify("classify", { ...settings, labels: ["a", "b"] }),
  Steps.moderate("moderate", settings),
])("$name takes every setting of a model step", ({ timeout, retry, program }) => {
  expect(timeout).toEqual({ attemptMs: 7_000 });
  expect(retry).toEqual(settings.retry);
  expect(program).toMatchObject({
    model: "acme/model",
    repair: 3,
    onUnknown: "ask",
    reuseMs: 7 * 86_400_000,
    isReusedAcrossTenants: true,
    isStreamed: true,
  });
});

const text = { input: Schema.String, output: Schema.String };

test.each<[string, (options: object) => unknown]>([
  ["llm", (options) => Steps.llm("s", { ...settings, ...options })],
  ["image", (options) => Steps.image("s", { ...settings, ...options })],
  ["caption", (options) => Steps.caption("s", { ...settings, ...options })],
  ["transcribe", (options) => Steps.transcribe("s", { ...settings, ...options })],
  ["extract", (options) => Steps.extract("s", { ...settings, output: Schema.String, ...options })],
  ["classify", (options) => Steps.classify("s", { ...settings, labels: ["a", "b"], ...options })],
  ["moderate by a model", (options) => Steps.moderate("s", { ...settings, ...options })],
  ["moderate by a function", (options) => Steps.moderate("s", { judge: () => ({}), ...options })],
  ["validate", (options) => Steps.validate("s", { input: Schema.String, ...options })],
  ["store", (options) => Steps.store("s", { ...text, put: () => "", ...options })],
  [
    "http",
    (options) => Steps.http("s", { input: Schema.String, url: "https://example.com", ...options }),
  ],
])("%s refuses an option that it does not have, by its name", (_, make) => {
  expect(() => make({ timout: "1 second" })).toThrow(/^step "s": expected nothing but .*"timout"$/);
});
