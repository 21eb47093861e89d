/** What needs an operator's look, as the process that answers sees it. */
import { Effect, Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint } from "effect/http-api";
import { Problem } from "./problem.ts";
import { problemSchemas } from "./problem-response.ts";
import type { ApiHost, Route } from "./route.ts";

const AlertView = Schema.Struct({
  name: Schema.String,
  subject: Schema.String,
  what: Schema.String,
  value: Schema.Number,
  threshold: Schema.Number,
  since: Schema.String,
  action: Schema.String,
});

export const alertRoutes = (host: ApiHost): ReadonlyArray<Route> => [
  {
    scope: "operate",
    endpoint: HttpApiEndpoint.get("alerts", "/alerts", {
      success: Schema.Struct({ alerts: Schema.Array(AlertView) }),
      error: problemSchemas(401, 403, 429, 503),
    }),
    answer: ({ caller }) =>
      Effect.suspend(() => {
        // They are about the service as a whole, and name jobs of any tenant.
        if (caller.tenant !== null) return Effect.fail(ofTheService);
        const alerts = host.service
          .alerts()
          .map((alert) => ({ ...alert, since: new Date(alert.since).toISOString() }));
        const headers = { "cache-control": "no-store" };
        return Effect.succeed(HttpServerResponse.jsonUnsafe({ alerts }, { headers }));
      }),
  },
];

const ofTheService = new Problem({
  status: 403,
  detail: "Alerts are about the service as a whole: they take a key without a tenant",
});
