/** How much of today's budgets and of the providers' limits is used: for operators. */
import { Effect, Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiEndpoint } from "effect/http-api";
import type { LimitUse } from "../predictions/provider-gate.ts";
import type { BudgetUse } from "../spending/budget-use.ts";
import { usdOf } from "../us-dollars.ts";
import { problemSchemas } from "./problem-response.ts";
import type { ApiHost, Route } from "./route.ts";

const BudgetView = Schema.Struct({
  budget: Schema.Literals(["day", "tenant"]),
  tenant: Schema.NullOr(Schema.String),
  day: Schema.String,
  limit_usd: Schema.NullOr(Schema.Number),
  reserved_usd: Schema.Number,
  spent_usd: Schema.Number,
  used_part: Schema.NullOr(Schema.Number),
});

const LimitView = Schema.Struct({
  provider: Schema.String,
  model: Schema.NullOr(Schema.String),
  open: Schema.Int,
  concurrency: Schema.NullOr(Schema.Int),
  creates_per_minute: Schema.Number,
  set_creates_per_minute: Schema.Number,
  waiting: Schema.Int,
  closed_for: Schema.NullOr(Schema.String),
});

/** A tenant sees its own budget; what others use, and what all share, is not its business. */
export const limitRoutes = ({ engine }: ApiHost): ReadonlyArray<Route> => [
  {
    scope: "operate",
    endpoint: HttpApiEndpoint.get("limits", "/limits", {
      success: Schema.Struct({
        budgets: Schema.Array(BudgetView),
        limits: Schema.Array(LimitView),
      }),
      error: problemSchemas(401, 403, 429, 503),
    }),
    answer: Effect.fnUntraced(function* ({ caller: { tenant } }) {
      const uses = tenant === null ? yield* engine.budgets : [yield* engine.budgetOf(tenant)];
      const budgets = uses.map(budgetView);
      const limits = tenant === null ? (yield* engine.providers.limits).map(limitView) : [];
      return HttpServerResponse.jsonUnsafe(
        { budgets, limits },
        { headers: { "cache-control": "no-store" } },
      );
    }),
  },
];

const budgetView = (use: BudgetUse): typeof BudgetView.Type => ({
  budget: use.budget,
  tenant: use.tenant,
  day: use.day,
  limit_usd: use.limitMicros === null ? null : usdOf(use.limitMicros),
  reserved_usd: usdOf(use.reservedMicros),
  spent_usd: usdOf(use.spentMicros),
  used_part: use.usedPart,
});

const limitView = (use: LimitUse): typeof LimitView.Type => ({
  provider: use.provider,
  model: use.model,
  open: use.open,
  concurrency: use.concurrency,
  creates_per_minute: use.createsPerMinute,
  set_creates_per_minute: use.setCreatesPerMinute,
  waiting: use.waiting,
  closed_for: use.closedFor,
});
