/**
 * Webhooks signed by the Standard Webhooks scheme: `webhook-id` is the notification's id, the same in every
 * try, `webhook-timestamp` the time of the try, and the body `{ type, timestamp, data }`.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { Clock, type Duration, Effect, Redacted } from "effect";
import { retryAfterMs } from "../../steps/http-status.ts";
import { isWebhookSecret, signatureOf } from "../http-api/webhook-signature.ts";
import {
  type Notification,
  type NotificationChannel,
  NotDelivered,
} from "../notification-channel.ts";
import { pauseOf, refuseStrangers, StartError } from "../options.ts";
import { type Answer, post } from "./webhook/post.ts";
import {
  guardedLookup,
  literalAddress,
  refusalOf,
  type Resolve,
} from "./webhook/target-address.ts";

type Secret = string | Redacted.Redacted;

export interface WebhookOptions {
  /** An https URL. Shown to nobody but the receiver: it may hold a token. */
  readonly url: string;
  /** `whsec_` and 24 to 64 bytes in base64; several while it is changed: each signs. */
  readonly secret: Secret | ReadonlyArray<Secret>;
  /** How long the receiver may take, at most 50 seconds. Default: 15 seconds. */
  readonly timeout?: Duration.Input;
  /** Whether it may lie in one's own networks (loopback, private ranges), and be plain http. Default: false. */
  readonly allowPrivate?: boolean;
}

const fields = ["url", "secret", "timeout", "allowPrivate"] satisfies ReadonlyArray<
  keyof WebhookOptions
>;

/** Below the limit at which any channel is given up, so that its own reason is seen. */
const maxTimeoutMs = 50_000;

/** Throws StartError that names the option. `resolve`: default the system's. */
export const webhookChannel = (options: WebhookOptions, resolve?: Resolve): NotificationChannel => {
  const target = targetOf(options, resolve);
  return { kind: "webhook", deliver: (notification) => deliver(target, notification) };
};

interface Target {
  readonly url: URL;
  readonly secrets: ReadonlyArray<string>;
  readonly timeoutMs: number;
  readonly lookup: ReturnType<typeof guardedLookup>;
}

const deliver = Effect.fnUntraced(function* (
  { url, secrets, timeoutMs, lookup }: Target,
  { id, type, at, data }: Notification,
) {
  const now = yield* Clock.currentTimeMillis;
  const timestamp = String(Math.floor(now / 1_000));
  const told = { type, timestamp: new Date(at).toISOString(), data };
  const body = new TextEncoder().encode(JSON.stringify(told));
  const headers = {
    "content-type": "application/json",
    "content-length": String(body.length),
    "user-agent": "catena-ai",
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatureOf({ id, timestamp, body }, secrets),
  };
  const answer = yield* Effect.mapError(
    post({ url, headers, body, lookup, timeoutMs }),
    ({ detail }) => new NotDelivered({ detail, isPermanent: false }),
  );
  const refusal = refusedBy(answer, now);
  if (refusal !== null) return yield* refusal;
});

/** Null where it was taken. */
const refusedBy = ({ status, retryAfter }: Answer, now: number): NotDelivered | null => {
  if (status >= 200 && status < 300) return null;
  if (status === 410)
    return new NotDelivered({
      detail: "answered 410: it wants no more of these",
      isPermanent: true,
    });
  const isRedirect = status >= 300 && status < 400;
  const waitMs = retryAfterMs(retryAfter, now);
  return new NotDelivered({
    detail: `answered ${status}${isRedirect ? ": redirects are not followed" : ""}`,
    isPermanent: false,
    ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
  });
};

// --- options

const targetOf = (options: WebhookOptions, resolve: Resolve | undefined): Target => {
  if (typeof options !== "object" || options === null)
    throw new StartError("Notify.webhook", `an object with ${fields.join(", ")}`, typeof options);
  refuseStrangers("Notify.webhook", options, fields);
  const { allowPrivate = false, timeout } = options;
  if (typeof allowPrivate !== "boolean")
    throw new StartError("Notify.webhook.allowPrivate", "true or false", allowPrivate);
  const timeoutMs = pauseOf("Notify.webhook.timeout", timeout, 15_000);
  if (timeoutMs > maxTimeoutMs)
    throw new StartError("Notify.webhook.timeout", "50 seconds at most", timeout);
  return {
    url: urlOf(options.url, allowPrivate),
    secrets: secretsOf(options.secret),
    timeoutMs,
    lookup: guardedLookup(allowPrivate, resolve),
  };
};

/** What was given is not said: its path may be a token. */
const urlOf = (given: unknown, allowPrivate: boolean): URL => {
  const refuse = (expected: string, got: string) =>
    new StartError("Notify.webhook.url", expected, got);
  const url = typeof given === "string" ? URL.parse(given) : null;
  const isWeb = url !== null && /^https?:$/.test(url.protocol);
  if (!isWeb || url.username !== "" || url.password !== "")
    throw refuse("an https URL without a user", typeof given);
  if (url.protocol === "http:" && !allowPrivate)
    throw refuse("an https URL (http with allowPrivate only)", "http");
  const address = literalAddress(url);
  const refusal = address === null ? null : refusalOf(address, allowPrivate);
  if (refusal !== null) throw refuse("one that the world can reach", `one where ${refusal}`);
  return url;
};

const secretsOf = (given: unknown): ReadonlyArray<string> => {
  const list: ReadonlyArray<unknown> = Array.isArray(given) ? given : [given];
  const secrets = list.map((one) => (Redacted.isRedacted(one) ? Redacted.value(one) : one));
  const isSecret = (one: unknown): one is string =>
    typeof one === "string" && isWebhookSecret(one) && sizeOf(one) >= 24 && sizeOf(one) <= 64;
  if (secrets.length > 0 && secrets.every(isSecret)) return secrets;
  const expected = "whsec_ and 24 to 64 bytes in base64, or a list of such";
  throw new StartError("Notify.webhook.secret", expected, "another");
};

const sizeOf = (secret: string): number =>
  Buffer.from(secret.replace(/^whsec_/, ""), "base64").length;
