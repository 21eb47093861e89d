/** The environment: everything that is wrong is said at once, by its name, and no secret with it. */
import { Effect, Redacted } from "effect";
import { expect, test } from "vitest";
import { readSettings } from "../../../src/runtime/cli/settings.ts";

const read = (environment: Readonly<Record<string, string>>) =>
  Effect.runPromise(readSettings(environment));
const refused = (environment: Readonly<Record<string, string>>) =>
  Effect.runPromise(Effect.map(Effect.flip(readSettings(environment)), ({ message }) => message));

test("nothing said is nothing asked for", async () => {
  const nothing = {
    token: null,
    baseUrl: null,
    store: null,
    assets: null,
    config: null,
    host: "127.0.0.1",
    port: 4680,
    publicUrl: null,
    apiKeys: [],
    webhookSecret: null,
  };
  expect(await read({})).toEqual(nothing);
  expect(await read({ CATENA_PORT: " ", REPLICATE_API_TOKEN: "" })).toEqual(nothing);
});

test("what is said is read", async () => {
  const settings = await read({
    REPLICATE_API_TOKEN: " r8_token ",
    REPLICATE_BASE_URL: "http://127.0.0.1:4690/v1/",
    CATENA_STORE: ":memory:",
    CATENA_ASSETS: "files",
    CATENA_CONFIG: "my.config.ts",
    CATENA_HOST: "0.0.0.0",
    CATENA_PORT: "0",
    CATENA_PUBLIC_URL: "https://jobs.example.com",
    CATENA_API_KEYS: "first-key-of-thirty-two-characters, second-key-of-thirty-two-characters",
    REPLICATE_WEBHOOK_SECRET: "whsec_c2VjcmV0",
  });
  const { token, apiKeys, webhookSecret, ...plain } = settings;
  expect(
    [token, ...apiKeys, webhookSecret].map((secret) => secret && Redacted.value(secret)),
  ).toEqual([
    "r8_token",
    "first-key-of-thirty-two-characters",
    "second-key-of-thirty-two-characters",
    "whsec_c2VjcmV0",
  ]);
  expect(plain).toEqual({
    baseUrl: "http://127.0.0.1:4690/v1",
    store: "memory",
    assets: "files",
    config: "my.config.ts",
    host: "0.0.0.0",
    port: 0,
    publicUrl: "https://jobs.example.com",
  });
});

test.each([
  ["CATENA_PORT", "70000", "a whole number from 0 to 65535"],
  ["CATENA_PORT", "80 80", "a whole number"],
  ["CATENA_PORT", "-1", "a whole number"],
  ["CATENA_HOST", "http://localhost", "a host name or an address"],
  ["CATENA_PUBLIC_URL", "example.com", "an http or https URL"],
  ["CATENA_PUBLIC_URL", "https://example.com/?a=1", "a URL that ends with its path"],
  ["REPLICATE_BASE_URL", "ftp://example.com", "an http or https URL"],
  ["REPLICATE_BASE_URL", "https://me:secret@example.com", "a URL without a user and a password"],
  ["REPLICATE_API_TOKEN", "two words", "a token without blanks"],
  ["CATENA_STORE", "postgres://localhost/jobs", "this version has no Postgres store"],
  ["CATENA_STORE", "redis://localhost", "a file or :memory:"],
  ["CATENA_API_KEYS", "short", "keys of at least 32 characters"],
  ["CATENA_API_KEYS", "a-key-of-thirty-two-characters-or-so,,", "keys of at least 32 characters"],
  ["REPLICATE_WEBHOOK_SECRET", "secret", "whsec_ and base64"],
])("%s=%s is refused by its name, without its value", async (name, value, expected) => {
  const message = await refused({ [name]: value });
  expect(message).toContain(`${name}: expected`);
  expect(message).toContain(expected);
  if (name !== "CATENA_STORE" && value.length > 4) expect(message).not.toContain(value);
});

test("all that is wrong is said at once", async () => {
  const message = await refused({ CATENA_PORT: "x", CATENA_API_KEYS: "y", CATENA_HOST: "a b" });
  expect(message.match(/CATENA_(PORT|API_KEYS|HOST): expected/g)).toHaveLength(3);
});
