/** Whether the process lives, and whether it takes work: for load balancers, without a key. */
import { Effect } from "effect";
import { HttpRouter, HttpServerResponse } from "effect/http";
import { Problem } from "./problem.ts";
import { problemResponse } from "./problem-response.ts";
import type { ApiHost } from "./route.ts";

const fine = HttpServerResponse.jsonUnsafe(
  { status: "ok" },
  { headers: { "cache-control": "no-store" } },
);

const notReady = new Problem({
  status: 503,
  detail: "The service takes no new work just now",
  headers: { "retry-after": "5" },
});

export const healthRoutes = ({ service }: ApiHost) =>
  HttpRouter.addAll([
    HttpRouter.route("GET", "/health/live", Effect.succeed(fine)),
    HttpRouter.route(
      "GET",
      "/health/ready",
      Effect.sync(() => (service.readiness().isReady ? fine : problemResponse(notReady))),
    ),
  ]);
