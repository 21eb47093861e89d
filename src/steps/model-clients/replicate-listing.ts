/** All predictions since an instant, page by page, to the end or not at all: half a list proves nothing. */
import { Clock, Effect, Option, Result, Schema } from "effect";
import type { ProviderFailure } from "../failure.ts";
import type { Prediction } from "../model-client.ts";
import { badResponse, failureOfReply } from "./replicate-errors.ts";
import type { Reply, SendRequest } from "./replicate-fetch.ts";
import { jsonOf, readListed } from "./replicate-prediction.ts";

const decodePage = Schema.decodeUnknownOption(
  Schema.Struct({
    next: Schema.optionalKey(Schema.NullOr(Schema.String)),
    results: Schema.Array(Schema.Json),
  }),
);

/** At 100 a page, 100,000 predictions: more than can be created within any grace. */
const maxPages = 1_000;

/** Asked for wider on both sides, because whether the bounds include their instants is not documented. */
const marginMs = 2_000;

export interface Listing {
  readonly provider: string;
  readonly baseUrl: string;
  readonly send: SendRequest;
}

/** From when to when (ms) predictions were created. */
export interface Span {
  readonly createdAfter: number;
  /** Undefined: until now. */
  readonly createdBefore: number | undefined;
}

/** Newest first, each once. Fails with: ProviderFailure. */
export const listPredictions = Effect.fnUntraced(function* (
  listing: Listing,
  { createdAfter, createdBefore }: Span,
) {
  const found = new Map<string, Prediction>();
  const created_after = new Date(createdAfter - marginMs).toISOString();
  const until =
    createdBefore === undefined
      ? {}
      : { created_before: new Date(createdBefore + marginMs).toISOString() };
  let reply = yield* listing.send("/predictions", { params: { created_after, ...until } });
  const seen = new Set<string>();
  for (let page = 1; page <= maxPages; page += 1) {
    const { next, predictions } = yield* readPage(listing, reply);
    for (const prediction of predictions)
      if (!found.has(prediction.id)) found.set(prediction.id, prediction);
    if (next === null) return since([...found.values()], createdAfter);
    if (seen.has(next.href))
      return yield* badResponse(listing.provider, "the list of predictions goes in circles");
    seen.add(next.href);
    reply = yield* listing.send(next, {});
  }
  return yield* badResponse(
    listing.provider,
    `the list of predictions has more than ${maxPages} pages`,
  );
});

/**
 * Times may come without a fraction, cut down to their second, so the instant's whole second counts; and
 * one whose creation time is not shown cannot be ruled out.
 */
const since = (
  predictions: ReadonlyArray<Prediction>,
  createdAfter: number,
): ReadonlyArray<Prediction> => {
  const second = Math.floor(createdAfter / 1_000) * 1_000;
  return predictions.filter(({ createdAt }) => createdAt === null || createdAt >= second);
};

const readPage = Effect.fnUntraced(function* ({ provider, baseUrl }: Listing, reply: Reply) {
  if (reply.kind === "lost" || reply.status !== 200) {
    return yield* failureOfReply(reply, { provider, now: yield* Clock.currentTimeMillis });
  }
  const page = Option.flatMap(jsonOf(reply.body), decodePage);
  if (Option.isNone(page)) return yield* badResponse(provider, "expected a page of predictions");
  const predictions: Array<Prediction> = [];
  for (const result of page.value.results) {
    const prediction = readListed(result);
    if (Result.isFailure(prediction)) return yield* badResponse(provider, prediction.failure);
    predictions.push(prediction.success);
  }
  return { predictions, next: yield* nextUrl(provider, baseUrl, page.value.next ?? null) };
});

/** The official client sends the token to whatever absolute URL it is given, so only our own origin will do. */
const nextUrl = (
  provider: string,
  baseUrl: string,
  next: string | null,
): Effect.Effect<URL | null, ProviderFailure> => {
  if (next === null || next === "") return Effect.succeed(null);
  const url = URL.canParse(next, baseUrl) ? new URL(next, baseUrl) : null;
  return url !== null &&
    url.origin === new URL(baseUrl).origin &&
    url.username === "" &&
    url.password === ""
    ? Effect.succeed(url)
    : Effect.fail(badResponse(provider, "the next page of predictions is at another origin"));
};
