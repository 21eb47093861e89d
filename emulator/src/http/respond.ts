/** From a request to a reply: route, token, rate limit, fault plan, handler, in this order. */
import { apiRoutes } from "../api/api-routes.ts";
import { controlRoutes } from "../control/control-routes.ts";
import type { Emulation } from "../emulation.ts";
import type { AnswerFault } from "../faults/fault.ts";
import { bearerToken, type Call } from "./call.ts";
import { insufficientCredit, notFound, problem, throttled, unauthenticated } from "./problems.ts";
import { errorPage, type Headers, type Reply } from "./reply.ts";
import { matchRoute, type Route } from "./route.ts";

const routes: readonly Route[] = [...apiRoutes, ...controlRoutes];

/** The reply to one request, with the faults that the plan has for it. */
export async function respond(
  emulation: Emulation,
  bare: Omit<Call, "parameters">,
): Promise<Reply> {
  const match = matchRoute(routes, bare.method, bare.url.pathname);
  if (match === undefined) return notFound();
  const { route } = match;
  const call: Call = { ...bare, parameters: match.parameters };
  const { access = "api" } = route;
  if (access === "api") return respondToAccount(emulation, call, route);
  if (access === "control" && isFromForeignPage(call))
    return problem(403, "Pages of other origins may not control the emulator");
  return underPlan(emulation, call, route);
}

async function respondToAccount(emulation: Emulation, call: Call, route: Route): Promise<Reply> {
  const { settings, limiter, credit } = emulation;
  const token = bearerToken(call);
  if (token === "" || (settings.token ?? token) !== token) return unauthenticated();
  const kind = route.operation === "create" ? "creates" : "others";
  const permit = limiter.take(kind, credit.leftUsd());
  if (permit === undefined) return underPlan(emulation, call, route);
  if (permit.isAllowed) return withHeaders(await underPlan(emulation, call, route), permit.headers);
  const announcedIn = settings.throttlingAnnouncedIn;
  return withHeaders(throttled({ ...permit, announcedIn }), permit.headers);
}

async function underPlan(emulation: Emulation, call: Call, route: Route): Promise<Reply> {
  const verdict = route.operation
    ? emulation.plan.take(route.operation, route.modelOf?.(emulation, call))
    : {};
  const handle = async (): Promise<Reply> => route.handle(emulation, call, verdict);
  return verdict.answer === undefined ? handle() : spoil(verdict.answer, emulation, handle);
}

async function spoil(
  fault: AnswerFault,
  { clock, closing }: Emulation,
  handle: () => Promise<Reply>,
): Promise<Reply> {
  switch (fault.type) {
    case "lost-answer":
      if (fault.applied && fault.appliedAfterMs !== undefined) {
        const isDue = clock.sleep(fault.appliedAfterMs, closing);
        void isDue.then((isOver) => (isOver ? handle() : undefined));
      } else if (fault.applied) await handle();
      return lostAnswer(fault);
    case "slow-answer": {
      const reply = await handle();
      return (await clock.sleep(fault.delayMs, closing)) ? reply : { kind: "reset" };
    }
    case "rate-limited": {
      const { retryAfterSeconds, announcedIn = "both", isLowCredit = false } = fault;
      return throttled({ retryAfterSeconds, announcedIn, isLowCredit });
    }
    case "insufficient-credit":
      return insufficientCredit();
    case "unauthorized":
      return unauthenticated();
    default:
      // The other faults are the handlers' own: they know what a stale list or a cut file is.
      return handle();
  }
}

function lostAnswer({ by, status }: Extract<AnswerFault, { type: "lost-answer" }>): Reply {
  if (by === "reset" || by === "hang") return { kind: by };
  return by === "html" ? { ...errorPage(502), status: 200 } : errorPage(status ?? 502);
}

function withHeaders(reply: Reply, headers: Headers): Reply {
  return "headers" in reply ? { ...reply, headers: { ...reply.headers, ...headers } } : reply;
}

/** A browser names the page that asks; the pages of this machine may. */
function isFromForeignPage({ headers: { origin } }: Call): boolean {
  if (origin === undefined) return false;
  const host = URL.canParse(origin) ? new URL(origin).hostname : "";
  return !["127.0.0.1", "localhost", "[::1]"].includes(host);
}
