/** Payloads of entries: small ones inline, large ones in the asset store under their hash. */
import { Effect, Option, Schema } from "effect";
import type { Value } from "../machines/entry.ts";
import { type AssetStore, AssetStoreFailure } from "../steps/asset-store.ts";
import type { JobAssets } from "./job-assets.ts";

/** Above this a payload would make the journal slow to read for everyone else. */
const maxInlineBytes = 65_536;

const decodeJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Json));

/** The payload as it stands in an entry; null where it is too large for one. */
export const inlineValue = (json: Schema.Json): Value | null => {
  const isSmall =
    mostBytes(json) <= maxInlineBytes ||
    Buffer.byteLength(JSON.stringify(json), "utf8") <= maxInlineBytes;
  return isSmall ? { json } : null;
};

/** More than the JSON text can take in UTF-8, counted without writing it: most payloads are far below the limit. */
const mostBytes = (json: Schema.Json): number => {
  // An escaped UTF-16 unit is six characters, a number at most 25.
  if (typeof json === "string") return json.length * 6 + 2;
  if (typeof json !== "object" || json === null) return 25;
  let bytes = 2;
  for (const [key, value] of Object.entries(json)) bytes += key.length * 6 + 4 + mostBytes(value);
  return bytes;
};

/** Keeps the payload durably. Fails with: AssetStoreFailure. */
export const storeValue = <E>(
  assets: Pick<JobAssets<E>, "putPayload">,
  json: Schema.Json,
): Effect.Effect<Value, AssetStoreFailure | E> => {
  const inline = inlineValue(json);
  if (inline !== null) return Effect.succeed(inline);
  const text = JSON.stringify(json);
  const bytes = new TextEncoder().encode(text);
  return Effect.map(assets.putPayload(text, bytes), ({ sha256, sizeBytes }) => ({
    asset: sha256,
    sizeBytes,
  }));
};

/** A value that was taken away, by age or by request. */
export class ValueErased extends Schema.TaggedError<ValueErased>()("ValueErased", {
  erasedAt: Schema.Number,
}) {
  override get message(): string {
    return `This value was erased on ${new Date(this.erasedAt).toISOString()}, by its age or by request`;
  }
}

/** The payload back. Fails with: AssetStoreFailure, also where the bytes are gone; ValueErased. */
export const loadValue = (
  assets: AssetStore["Service"],
  value: Value,
): Effect.Effect<Schema.Json, AssetStoreFailure | ValueErased> => {
  if ("json" in value) return Effect.succeed(value.json);
  if ("erasedAt" in value) return new ValueErased({ erasedAt: value.erasedAt });
  return Effect.flatMap(
    assets.get(value.asset),
    Option.match({
      onNone: () =>
        Effect.fail(
          new AssetStoreFailure({ operation: "get", cause: `${value.asset} is not in the store` }),
        ),
      onSome: ({ bytes }) =>
        Effect.try({
          try: () => decodeJson(new TextDecoder().decode(bytes)),
          catch: (cause) => new AssetStoreFailure({ operation: "get", cause }),
        }),
    }),
  );
};
