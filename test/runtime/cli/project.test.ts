/** Whose models they are: the environment's place for Replicate's, the config's own for all others. */
import { Effect } from "effect";
import { expect, test } from "vitest";
import { Functions, Replicate } from "../../../src/index.ts";
import { needsReplicate, withReplicate } from "../../../src/runtime/cli/project.ts";
import { clientsOf } from "../../../src/runtime/predictions/providers.ts";

const functions = Functions.client({ models: { "acme/writer": { run: () => "x" } } });
const seen: Array<string> = [];
const replicate = Replicate.client({
  token: "of-the-config",
  fetch: (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    seen.push(`${url} ${new Headers(init?.headers).get("authorization") ?? ""}`);
    return Promise.reject(new TypeError("nobody is there"));
  },
});

test("without models, Replicate is the only client", () => {
  const models = withReplicate(undefined, "token", null);
  expect(Object.keys(clientsOf(models))).toEqual(["replicate"]);
});

test("Replicate's client keeps its options but for its place; others are left alone", async () => {
  const models = withReplicate({ a: functions, b: replicate }, "token", "http://127.0.0.1:9/v1");
  const clients = clientsOf(models);
  expect(Object.keys(clients)).toEqual(["a", "b"]);
  expect(clients["a"]).toBe(functions);
  await Effect.runPromise(Effect.exit(clients["b"]?.get("id") ?? Effect.void));
  expect(seen.length).toBeGreaterThan(0);
  for (const line of seen) expect(line).toMatch(/^http:\/\/127\.0\.0\.1:9\/v1\/.* Bearer token$/);
});

test("only Replicate's models need a place at Replicate", () => {
  expect(needsReplicate(undefined)).toBe(true);
  expect(needsReplicate(functions)).toBe(false);
  expect(needsReplicate({ a: functions, b: replicate })).toBe(true);
});
