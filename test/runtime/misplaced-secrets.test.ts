/**
 * Secrets given in the wrong place or shape, as plain JavaScript and a tired evening may: the error names the
 * option, and never says what was given.
 */
import { Schema } from "effect";
import { expect, test } from "vitest";
import { Catena, Notify, Pipeline, Replicate, type RuntimeOptions, Step } from "../../src/index.ts";

const canary = "canary-9c1e77";
const token = `r8_${canary}`;
const address = `https://hooks.example.com/T1/${canary}`;
const account = `postgres://user:${canary}@db.example.com/jobs`;

const same = Step.make("same", {
  input: Schema.String,
  output: Schema.String,
  run: (text) => text,
});
const chain = Pipeline.make("chain", { version: 1, input: Schema.String })
  .step(same)
  .output(Schema.String, ({ last }) => last);

/** What no compiler would let through. */
const wrong = (given: unknown): never => given as never;

const started = async (options: RuntimeOptions): Promise<unknown> => {
  const catena = await Catena.start({ pipelines: [chain], store: "memory", ...options });
  await catena.stop();
  return undefined;
};

const key = { id: "acme", scopes: ["read"] };

const cases: ReadonlyArray<readonly [option: string, give: () => unknown]> = [
  ["models", () => started({ models: wrong(token) })],
  ["models.replicate", () => started({ models: wrong({ replicate: token }) })],
  ["store", () => started({ store: account })],
  ["assets", () => started({ assets: `s3://user:${canary}@files.example.com/jobs` })],
  ["http", () => started({ http: wrong(token) })],
  ["http.keys", () => started({ http: { keys: wrong(token) } })],
  ["http.keys[0]", () => started({ http: { keys: wrong([token]) } })],
  ["http.keys[0]", () => started({ http: { keys: wrong([{ ...key, secret: canary }]) } })],
  ["http.keys[0].sha256", () => started({ http: { keys: wrong([{ ...key, sha256: canary }]) } })],
  ["http.webhookSecrets", () => started({ http: { webhookSecrets: { replicate: canary } } })],
  ["publicUrl", () => started({ http: { publicUrl: `https://user:${canary}@example.com` } })],
  ["notifications", () => started({ notifications: wrong(address) })],
  ["notifications.orders", () => started({ notifications: wrong({ orders: address }) })],
  [
    "notifications.orders.channel",
    () => started({ notifications: wrong({ orders: { channel: address } }) }),
  ],
  ["Notify.webhook", () => Notify.webhook(wrong(address))],
  ["Notify.webhook.url", () => Notify.webhook({ url: canary, secret: canary })],
  ["Notify.webhook.secret", () => Notify.webhook({ url: address, secret: canary })],
  ["Notify.email", () => Notify.email(wrong(`smtp://user:${canary}@example.com`))],
  [
    "Notify.email.smtp",
    () => Notify.email(wrong({ smtp: `smtp://user:${canary}@example.com`, from: "a@b.c" })),
  ],
  [
    "Notify.email.password",
    () => Notify.email(wrong({ smtp: { host: "example.com" }, password: [canary] })),
  ],
  ["token", () => Replicate.client(wrong(token))],
  ["token", () => Replicate.client({ token: wrong([token]) })],
  ["baseUrl", () => Replicate.client({ token, baseUrl: `https://user:${canary}@example.com` })],
  ["baseUrl", () => Replicate.client({ token, baseUrl: canary })],
];

test.each(cases)("in %s is not said by the error (%#)", async (option, give) => {
  const failed: unknown = await Promise.resolve()
    .then(give)
    .catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(Error);
  const said = failed instanceof Error ? `${failed.message}\n${String(failed.stack)}` : "";
  expect(said).toContain(option);
  expect(said).not.toContain(canary);
});
