/** From a request to a reply: route, token, fault plan, handler, in this order. */
import { setTimeout as pause } from "node:timers/promises";
import type { Emulation } from "../emulation.ts";
import type { AnswerFault } from "../faults/fault.ts";
import { bearerToken, type Call } from "./call.ts";
import { errorPage, json, notFound, problem, unauthenticated, type Reply } from "./reply.ts";
import { matchRoute } from "./routes.ts";

/** The reply to one request, with the faults that the plan has for it. */
export async function respond(
  emulation: Emulation,
  bare: Omit<Call, "parameters">,
): Promise<Reply> {
  const match = matchRoute(bare.method, bare.url.pathname);
  if (match === undefined) return notFound("The requested resource could not be found.");
  const { route } = match;
  const call: Call = { ...bare, parameters: match.parameters };
  if (route.isTokenNeeded !== false && !isTokenGood(emulation, call)) return unauthenticated();
  const verdict = route.operation
    ? emulation.plan.take(route.operation, route.modelOf?.(emulation, call))
    : {};
  const handle = async (): Promise<Reply> => route.handle(emulation, call, verdict);
  return verdict.answer === undefined
    ? handle()
    : spoil(verdict.answer, { handle, closing: emulation.closing });
}

function isTokenGood({ settings }: Emulation, call: Call): boolean {
  const token = bearerToken(call);
  return settings.token === undefined ? token !== "" : token === settings.token;
}

interface Request {
  readonly handle: () => Promise<Reply>;
  readonly closing: AbortSignal;
}

async function spoil(fault: AnswerFault, request: Request): Promise<Reply> {
  switch (fault.type) {
    case "lost-answer":
      return lose(fault, request);
    case "slow-answer": {
      const reply = await request.handle();
      await pause(fault.delayMs, undefined, { signal: request.closing });
      return reply;
    }
    case "rate-limited":
      return throttle(fault);
    case "insufficient-credit":
      return problem(
        402,
        "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, please wait a few minutes before trying again.",
        { title: "Insufficient credit" },
      );
    case "unauthorized":
      return unauthenticated();
    default:
      // The other faults are the handlers' own: they know what a stale list or a cut file is.
      return request.handle();
  }
}

async function lose(
  fault: Extract<AnswerFault, { type: "lost-answer" }>,
  { handle, closing }: Request,
): Promise<Reply> {
  if (fault.applied && fault.appliedAfterMs !== undefined) {
    void pause(fault.appliedAfterMs, undefined, { signal: closing }).then(handle, () => undefined);
  } else if (fault.applied) await handle();
  if (fault.by === "reset" || fault.by === "hang") return { kind: fault.by };
  return fault.by === "html" ? { ...errorPage(502), status: 200 } : errorPage(fault.status ?? 502);
}

function throttle({
  retryAfterSeconds,
  announcedIn = "both",
}: Extract<AnswerFault, { type: "rate-limited" }>): Reply {
  const isInHeader = announcedIn === "header" || announcedIn === "both";
  const isInBody = announcedIn === "body" || announcedIn === "both";
  const detail = `Request was throttled. Your rate limit resets in ~${retryAfterSeconds}s.`;
  const body = { detail, status: 429, ...(isInBody && { retry_after: retryAfterSeconds }) };
  return json(429, body, isInHeader ? { "retry-after": String(retryAfterSeconds) } : {});
}
