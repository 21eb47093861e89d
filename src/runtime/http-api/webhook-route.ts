/**
 * Where providers report that a prediction has moved on. A report is a hint and nothing more: it makes the
 * watcher look with our own token, and what that look shows is what counts. One that never comes is made up
 * for by the watcher's own looks.
 */
import { Clock, Effect, Metric, Option } from "effect";
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http";
import type { ModelClient } from "../../steps/model-client.ts";
import { responseOf } from "./answering.ts";
import { notFound, Problem, unavailable } from "./problem.ts";
import { readBytes } from "./request-body.ts";
import type { ApiHost } from "./route.ts";
import { WebhookSecrets } from "./webhook-secrets.ts";
import { isSigned } from "./webhook-signature.ts";

/** A report holds the whole output, which may be files as text. */
const maxBytes = 10_485_760;

const counter = Metric.counter("catena_webhooks_total", {
  description: "Webhooks of providers that were received, by what they were",
});
const count = (outcome: "hint" | "unknown" | "unsigned") =>
  Metric.update(Metric.withAttributes(counter, { outcome }), 1);

export const webhookRoute = (host: ApiHost) => {
  const secrets = new WebhookSecrets(host.settings.webhookSecrets);
  const looking = new Set<string>();
  const received = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest;
    const { provider = "" } = yield* HttpRouter.params;
    const client = host.engine.providers.client(provider);
    if (client === undefined) return yield* notFound("provider of this name");
    yield* checkSigned(secrets, client, request);
    const key = new URL(request.url, "http://localhost").searchParams.get("intent") ?? "";
    const row = yield* host.engine.store.prediction(key);
    if (Option.isNone(row)) yield* count("unknown");
    else {
      yield* count("hint");
      yield* lookSoon(host, looking, key);
    }
    return HttpServerResponse.empty({ status: 204 });
  });
  return HttpRouter.add("POST", "/webhooks/:provider", Effect.catchCause(received, responseOf));
};

/** The provider waits for no more than our word that we heard it. The same report twice is one look. */
const lookSoon = ({ engine, closing }: ApiHost, looking: Set<string>, key: string) =>
  Effect.suspend(() => {
    if (looking.has(key)) return Effect.void;
    looking.add(key);
    const look = Effect.ensuring(
      engine.providers.look(key),
      Effect.sync(() => looking.delete(key)),
    );
    return Effect.asVoid(Effect.forkDetach(Effect.raceFirst(look, closing)));
  });

const checkSigned = Effect.fnUntraced(function* (
  secrets: WebhookSecrets,
  client: ModelClient,
  request: HttpServerRequest.HttpServerRequest,
) {
  const body = yield* readBytes(request, maxBytes);
  const { headers } = request;
  const delivery = {
    id: headers["webhook-id"],
    timestamp: headers["webhook-timestamp"],
    signature: headers["webhook-signature"],
    body,
  };
  const now = yield* Clock.currentTimeMillis;
  const fits = (secret: string | null) => secret !== null && isSigned(delivery, secret, now);
  // Without the secret nothing can be said; the provider sends its last word again.
  const known = yield* Effect.mapError(secrets.of(client), unavailable);
  if (fits(known)) return;
  if (fits(yield* Effect.mapError(secrets.renewed(client), unavailable))) return;
  yield* count("unsigned");
  const detail = "Expected a signature of the provider, made within the last five minutes";
  return yield* new Problem({ status: 401, detail });
});
