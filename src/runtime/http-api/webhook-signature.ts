/**
 * Signatures of webhooks, incoming and outgoing, by the Standard Webhooks scheme: HMAC-SHA256 over id, time and the raw
 * bytes. Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac, timingSafeEqual } from "node:crypto";

/** Who resends what was sent longer ago (ms), or in a future this far, is not the provider. */
const toleranceMs = 300_000;

export interface SignedDelivery {
  readonly id: string | undefined;
  /** In seconds, as text. */
  readonly timestamp: string | undefined;
  /** Space-separated `v1,<base64>`; versions other than v1 are passed over. */
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

/** `whsec_` and the key in base64, of 16 bytes at least. */
export const isWebhookSecret = (secret: string): boolean =>
  /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(secret) && keyOf(secret).length >= 16;

const keyOf = (secret: string): Buffer => Buffer.from(secret.replace(/^whsec_/, ""), "base64");

/** What is signed: the id, the time in seconds as text, and the bytes of the body. */
interface Signable {
  readonly id: string;
  readonly timestamp: string;
  readonly body: Uint8Array;
}

const digestOf = ({ id, timestamp, body }: Signable, secret: string): Buffer =>
  createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`).update(body).digest();

/** `v1,<base64>` for each secret, divided by spaces: while a secret is changed, both sign. */
export const signatureOf = (delivery: Signable, secrets: ReadonlyArray<string>): string =>
  secrets.map((secret) => `v1,${digestOf(delivery, secret).toString("base64")}`).join(" ");

/** Whether the secret's holder sent exactly this within five minutes of `now` (ms). */
export const isSigned = (delivery: SignedDelivery, secret: string, now: number): boolean => {
  const { id, timestamp, signature, body } = delivery;
  if (id === undefined || signature === undefined) return false;
  if (timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now - Number(timestamp) * 1_000) > toleranceMs) return false;
  const expected = digestOf({ id, timestamp, body }, secret);
  // Every one is compared to its end, whichever of them fits.
  return signature
    .split(" ")
    .map((one) => isEqual(one, expected))
    .includes(true);
};

const isEqual = (one: string, expected: Buffer): boolean => {
  const [version, encoded = ""] = one.split(",", 2);
  const given = Buffer.from(encoded, "base64");
  return version === "v1" && given.length === expected.length && timingSafeEqual(given, expected);
};
