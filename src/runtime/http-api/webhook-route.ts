/**
 * Where providers report that a prediction has moved on. A report is a hint and nothing more: it is kept,
 * answered, and makes whoever watches the prediction look with our own token; what that look shows is what
 * counts. One that never comes is made up for by the watcher's own looks.
 */
import { Clock, Effect, Metric } from "effect";
import { HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http";
import type { ModelClient } from "../../steps/model-client.ts";
import type { Heard } from "../predictions/prediction-hints.ts";
import { responseOf } from "./answering.ts";
import { notFound, Problem, unavailable } from "./problem.ts";
import { readBytes } from "./request-body.ts";
import type { ApiHost } from "./route.ts";
import { WebhookSecrets } from "./webhook-secrets.ts";
import { isSigned, type SignedDelivery } from "./webhook-signature.ts";

/** A report holds the whole output, which may be files as text. */
const maxBytes = 10_485_760;

const counter = Metric.counter("catena_webhooks_total", {
  description: "Webhooks of providers that were received, by what they were",
});
const count = (outcome: Heard | "unsigned") =>
  Metric.update(Metric.withAttributes(counter, { outcome }), 1);

/** Providers hang up soon, and hold whoever is slow for broken: they are told to send it again instead. */
const answersWithin = "900 millis";

export const webhookRoute = (host: ApiHost) => {
  const secrets = new WebhookSecrets(host.settings.webhookSecrets);
  const received = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest;
    const { provider = "" } = yield* HttpRouter.params;
    const client = host.engine.providers.client(provider);
    if (client === undefined) return yield* notFound("provider of this name");
    const body = yield* readBytes(request, maxBytes);
    const { headers, url } = request;
    const delivery = {
      id: headers["webhook-id"],
      timestamp: headers["webhook-timestamp"],
      signature: headers["webhook-signature"],
      body,
    };
    const key = new URL(url, "http://localhost").searchParams.get("intent") ?? "";
    const kept = Effect.andThen(
      checkSigned(secrets, client, delivery),
      host.engine.hints.keep(provider, key),
    );
    const orElse = () => Effect.fail(unavailable());
    yield* count(yield* Effect.timeoutOrElse(kept, { duration: answersWithin, orElse }));
    return HttpServerResponse.empty({ status: 204 });
  });
  return HttpRouter.add("POST", "/webhooks/:provider", Effect.catchCause(received, responseOf));
};

const checkSigned = Effect.fnUntraced(function* (
  secrets: WebhookSecrets,
  client: ModelClient,
  delivery: SignedDelivery,
) {
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
