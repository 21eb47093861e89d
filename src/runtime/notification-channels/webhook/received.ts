/** For a receiver of our webhooks that runs on Node: whether what came in is from whoever holds the secret. */
import { Redacted } from "effect";
import { isSigned, isWebhookSecret } from "../../http-api/webhook-signature.ts";

export interface ReceivedWebhook {
  /** Of a Request, or of Node's request. */
  readonly headers: Headers | Readonly<Record<string, string | ReadonlyArray<string> | undefined>>;
  /** As it came: text that was parsed and written again is another. */
  readonly body: string | Uint8Array;
  readonly secret: string | Redacted.Redacted;
  /** The receiver's clock (ms). Default: now. */
  readonly now?: number;
}

/** Throws TypeError where the secret is none. */
export const isWebhookSigned = (received: ReceivedWebhook): boolean => {
  const { headers, body, secret, now = Date.now() } = received;
  const text = Redacted.isRedacted(secret) ? Redacted.value(secret) : secret;
  if (typeof text !== "string" || !isWebhookSecret(text))
    throw new TypeError(
      "Notify.isSigned: expected secret to be whsec_ and at least 16 bytes in base64",
    );
  const delivery = {
    id: headerOf(headers, "webhook-id"),
    timestamp: headerOf(headers, "webhook-timestamp"),
    signature: headerOf(headers, "webhook-signature"),
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
  };
  return isSigned(delivery, text, now);
};

const headerOf = (headers: ReceivedWebhook["headers"], name: string): string | undefined => {
  if (headers instanceof Headers) return headers.get(name) ?? undefined;
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
};
