/**
 * The outermost layer, on plain requests and responses: the path the API is mounted under, pages of other
 * origins, and headers that every answer has.
 */
import { bodyGone, notFound, plainProblem } from "./problem.ts";
import type { HttpSettings } from "./http-settings.ts";

type Fetch = (request: Request) => Promise<Response>;

/** The function a host calls. */
export const guarded = (settings: HttpSettings, answer: Fetch): Fetch => {
  const { basePath, corsOrigins } = settings;
  return async (request) => {
    const origin = request.headers.get("origin");
    const isAllowed = origin !== null && corsOrigins.includes(origin);
    if (isAllowed && isPreflight(request)) return preflight(origin);
    const response = isBodyGone(request)
      ? plainProblem(bodyGone)
      : told(await answer(atRoot(request, basePath)));
    const headers = new Headers(response.headers);
    headers.set("x-content-type-options", "nosniff");
    if (headers.get("content-type")?.startsWith("text/html") === true)
      headers.set("content-security-policy", referencePolicy);
    if (isAllowed) for (const [name, value] of corsHeaders(origin)) headers.append(name, value);
    // Also of an answer to nobody in particular: who keeps it must not give it to a page that may call.
    if (corsOrigins.length > 0) headers.append("vary", "origin");
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers });
  };
};

/** For the reference, the only page: its script is in it, and it may talk to nobody but us. */
const referencePolicy =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src 'self' data:;" +
  " font-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Read to its end, or being read by another. */
const isBodyGone = ({ bodyUsed, body }: Request): boolean => bodyUsed || body?.locked === true;

/** A path that is no path, such as one with half an escape, ends before any route of ours. */
const told = (response: Response): Response =>
  response.status === 404 && !response.headers.has("content-type")
    ? plainProblem(notFound("address"))
    : response;

/** Hosts mount differently: some cut the mount path off, some leave it. */
const atRoot = (request: Request, basePath: string): Request => {
  if (basePath === "") return request;
  const url = new URL(request.url);
  if (!`${url.pathname}/`.startsWith(`${basePath}/`)) return request;
  url.pathname = url.pathname.slice(basePath.length) || "/";
  // A body that streams can be sent on by half duplex only, as fetch has it.
  const streaming: { readonly duplex: "half" } = { duplex: "half" };
  return new Request(new Request(url, request), streaming);
};

const isPreflight = ({ method, headers }: Request): boolean =>
  method === "OPTIONS" && headers.has("access-control-request-method");

const corsHeaders = (origin: string): ReadonlyArray<readonly [string, string]> => [
  ["access-control-allow-origin", origin],
  ["access-control-expose-headers", "location, preference-applied, retry-after"],
];

const preflight = (origin: string): Response =>
  new Response(null, {
    status: 204,
    headers: [
      ...corsHeaders(origin).map(([name, value]): [string, string] => [name, value]),
      ["access-control-allow-methods", "GET, POST, DELETE"],
      [
        "access-control-allow-headers",
        "authorization, content-type, idempotency-key, prefer, last-event-id",
      ],
      ["access-control-max-age", "600"],
      ["vary", "origin"],
    ],
  });
