/** Files for a model to read: small ones inside the request, larger ones uploaded and kept for a day. */
import { Clock, Effect, Option, Schema } from "effect";
import type { ProviderFailure } from "../failure.ts";
import { extensionOf } from "../media-type.ts";
import type { DownloadedFile } from "../model-client.ts";
import { badResponse, failureOfReply } from "./replicate-errors.ts";
import type { SendRequest } from "./replicate-fetch.ts";
import { jsonOf } from "./replicate-prediction.ts";

/** The whole data URI, in characters (all ASCII, so bytes): the size up to which the reference recommends them. */
const maxDataUriBytes = 256_000;

/** Replicate keeps an upload for a day where its answer does not say otherwise. */
const keptMs = 24 * 3_600_000;

/** A prediction may wait in a queue before it reads its input, so an upload is given up this long before its end. */
const marginMs = 3_600_000;

interface Upload {
  readonly url: string;
  readonly usableUntil: number;
}

export interface Uploading {
  readonly provider: string;
  readonly send: SendRequest;
  /** For one upload, its answer included. */
  readonly timeoutMs: number;
}

const decodeFile = Schema.decodeUnknownOption(
  Schema.Struct({
    urls: Schema.Struct({ get: Schema.NonEmptyString }),
    expires_at: Schema.optionalKey(Schema.NullOr(Schema.String)),
  }),
);

const dataUri = ({ bytes, contentType }: DownloadedFile): string | null => {
  const prefix = `data:${contentType};base64,`;
  const length = prefix.length + Math.ceil(bytes.length / 3) * 4;
  return length > maxDataUriBytes ? null : `${prefix}${Buffer.from(bytes).toString("base64")}`;
};

const formOf = ({ bytes, contentType }: DownloadedFile, sha256: string): FormData => {
  const form = new FormData();
  form.append(
    "content",
    new Blob([Uint8Array.from(bytes)], { type: contentType }),
    `${sha256}.${extensionOf(contentType)}`,
  );
  form.append("metadata", new Blob([JSON.stringify({ sha256 })], { type: "application/json" }));
  return form;
};

const expiry = (expiresAt: string | null | undefined, now: number): number => {
  const at = Date.parse(expiresAt ?? "");
  return Number.isFinite(at) ? at : now + keptMs;
};

/** Remembers its uploads by the SHA-256 of their bytes and makes one again when it is about to expire. */
export const makePresent = ({ provider, send, timeoutMs }: Uploading) => {
  const uploads = new Map<string, Upload>();

  const upload = Effect.fnUntraced(function* (file: DownloadedFile, sha256: string) {
    const reply = yield* send("/files", { method: "POST", data: formOf(file, sha256), timeoutMs });
    const now = yield* Clock.currentTimeMillis;
    if (reply.kind === "lost" || reply.status < 200 || reply.status > 299) {
      return yield* failureOfReply(reply, { provider, now });
    }
    const stored = Option.flatMap(jsonOf(reply.body), decodeFile);
    if (Option.isNone(stored)) return yield* badResponse(provider, "expected an uploaded file");
    const { urls, expires_at } = stored.value;
    return { url: urls.get, usableUntil: expiry(expires_at, now) - marginMs };
  });

  const forgetExpired = (now: number): void => {
    for (const [sha256, { usableUntil }] of uploads) if (usableUntil <= now) uploads.delete(sha256);
  };

  return (file: DownloadedFile, sha256: string): Effect.Effect<string, ProviderFailure> =>
    Effect.gen(function* () {
      const inline = dataUri(file);
      if (inline !== null) return inline;
      forgetExpired(yield* Clock.currentTimeMillis);
      const known = uploads.get(sha256);
      if (known !== undefined) return known.url;
      const made = yield* upload(file, sha256);
      uploads.set(sha256, made);
      return made.url;
    });
};
