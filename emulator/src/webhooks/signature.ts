/** Signatures of the account's secret, in the way of Standard Webhooks. */
import { createHmac } from "node:crypto";

/** HMAC-SHA256 in base64 under the base64-decoded part of the secret behind `whsec_`. */
export function hmacBase64(secret: string, content: string): string {
  return createHmac("sha256", Buffer.from(secret.replace(/^whsec_/u, ""), "base64"))
    .update(content)
    .digest("base64");
}

/** True for a secret as the provider gives them. */
export function isWebhookSecret(secret: string): boolean {
  return /^whsec_[A-Za-z0-9+/]{16,}={0,2}$/u.test(secret);
}
