/** What an exchange that was no success means for the step: who is to blame, and whether asking again may help. */
import { Result } from "effect";
import type { BodyTrouble } from "../bounded-body.ts";
import { ProviderFailure, ValidationFailure } from "../failure.ts";
import { reasonOfStatus, retryAfterMs } from "../http-status.ts";
import type { Answered, Lost } from "./http-exchange.ts";
import type { HttpRequest } from "./http-request.ts";

/** Who asked what, when (ms), and whether it may be asked again. */
export interface Asked {
  readonly request: HttpRequest;
  readonly isRepeatable: boolean;
  readonly now: number;
}

type ProviderFields = ConstructorParameters<typeof ProviderFailure>[0];

const failure = (
  { request }: Asked,
  fields: Omit<ProviderFields, "provider" | "detail"> & { readonly what: string },
): ProviderFailure => {
  const { what, ...rest } = fields;
  return new ProviderFailure({
    ...rest,
    provider: request.url.host,
    detail: `${request.method} ${what}`,
  });
};

/** No answer: asked again under the same key, unless the other side does not know our keys and may have done it. */
export const lostFailure = (asked: Asked, { detail, isSent }: Lost): ProviderFailure =>
  failure(asked, {
    reason: isSent && !asked.isRepeatable ? "OutcomeUnknown" : "Unavailable",
    what: `got no answer: ${detail}`,
  });

/** Refused for what was sent, and so again for the same. */
const isRefusedForContent = (status: number): boolean =>
  [400, 411, 413, 414, 415, 422, 428, 431].includes(status);

/** The other side is at it already, or not ready yet: neither says that it will refuse. */
const isTooEarly = (status: number): boolean => status === 409 || status === 425;

/** Any status that is no success. */
export const statusFailure = (
  asked: Asked,
  answered: Answered,
): ProviderFailure | ValidationFailure => {
  const { status } = answered;
  const what = `was answered with HTTP ${status}${explained(asked.request, answered)}`;
  if (isRefusedForContent(status)) {
    const message = `${asked.request.url.host}: ${asked.request.method} ${what}`;
    return new ValidationFailure({ at: "request", issues: [{ path: "", message }] });
  }
  const reason = isTooEarly(status) ? "Unavailable" : reasonOfStatus(status);
  const waitMs = Math.ceil(retryAfterMs(answered.headers.get("retry-after"), asked.now));
  const isUnclear = status === 408 || status >= 500;
  return failure(asked, {
    reason: isUnclear && !asked.isRepeatable ? "OutcomeUnknown" : reason,
    what,
    status,
    ...(waitMs > 0 ? { retryAfterMs: waitMs } : {}),
    ...(reason === "BadResponse" ? { isPermanent: true } : {}),
  });
};

const excerptLength = 300;

const explained = (request: HttpRequest, { status, headers, body }: Answered): string => {
  if (status >= 300 && status < 400) return `, ${redirectNote(request, headers)}`;
  const text = Result.match(body, {
    // What is cut off could end in half a secret.
    onFailure: () => "",
    onSuccess: (bytes) => request.conceal(Buffer.from(bytes).toString("utf8")),
  });
  const excerpt = text.replaceAll(/\s+/g, " ").trim().slice(0, excerptLength);
  return excerpt === "" ? "" : `: ${excerpt}`;
};

const redirectNote = ({ url }: HttpRequest, headers: Headers): string => {
  const to = URL.parse(headers.get("location") ?? "", url.href);
  if (to === null) return "and no place to go on to";
  return to.origin === url.origin
    ? "a redirect that would change the request, or goes in circles: give the address it leads to"
    : `a redirect to ${to.origin}, which would get this request's headers: give that address if it is meant`;
};

/** A success whose body is not there whole. What was asked for has been done. */
export const bodyFailure = (
  asked: Asked,
  status: number,
  { kind, detail }: BodyTrouble,
): ProviderFailure => {
  const isPermanent = kind === "tooLarge" || !asked.isRepeatable;
  return failure(asked, {
    reason: kind === "lost" && asked.isRepeatable ? "Unavailable" : "BadResponse",
    what: `was answered with HTTP ${status} and a body that is not whole: ${asked.request.conceal(detail)}`,
    status,
    ...(isPermanent ? { isPermanent } : {}),
  });
};

/** A success whose body is something else than what was asked for. */
export const unreadableFailure = (asked: Asked, status: number, detail: string): ProviderFailure =>
  failure(asked, {
    reason: "BadResponse",
    what: `was answered with HTTP ${status}, but ${asked.request.conceal(detail)}`,
    status,
    ...(asked.isRepeatable ? {} : { isPermanent: true }),
  });
