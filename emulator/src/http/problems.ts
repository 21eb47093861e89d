/**
 * The error bodies of the API, RFC 7807, byte for byte as they were recorded: keys in the provider's order, and a
 * line end behind the object. Not every key is there in every body.
 */
import type { AnnouncedIn } from "../faults/fault.ts";
import type { Answer, Headers } from "./reply.ts";
import { wireJson } from "./wire-json.ts";

export interface InvalidField {
  readonly type: string;
  readonly field: string;
  readonly description: string;
}

/** `{title?, detail, status}`. */
export function problem(status: number, detail: string, title?: string): Answer {
  return problemBody(status, { title, detail, status });
}

export function notFound(detail = "The requested resource could not be found."): Answer {
  return problem(404, detail);
}

export function unauthenticated(): Answer {
  return problem(401, "You did not pass a valid authentication token", "Unauthenticated");
}

export function insufficientCredit(): Answer {
  const detail =
    "You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, please wait a few minutes before trying again.";
  return problem(402, detail, "Insufficient credit");
}

export function invalidVersion(): Answer {
  const detail =
    "The specified version does not exist (or perhaps you don't have permission to use it?)";
  return problem(422, detail, "Invalid version or not permitted");
}

/** 422 that names each wrong field. */
export function invalidInput(fields: readonly InvalidField[]): Answer {
  const detail = fields.map(({ field, description }) => `- ${field}: ${description}\n`).join("");
  const title = "Input validation failed";
  return problemBody(422, { detail, status: 422, title, invalid_fields: fields });
}

export interface Throttling {
  readonly retryAfterSeconds: number;
  readonly announcedIn: AnnouncedIn;
  /** An account short of credit is told why its limit is low. */
  readonly isLowCredit?: boolean;
}

/** 429. Without `retry_after` the body is the one of the documentation, with it the recorded one. */
export function throttled({ retryAfterSeconds, announcedIn, isLowCredit }: Throttling): Answer {
  const isInBody = announcedIn === "body" || announcedIn === "both";
  const isInHeader = announcedIn === "header" || announcedIn === "both";
  const reason = isLowCredit
    ? " Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit."
    : "";
  const detail = `Request was throttled.${reason} Your rate limit resets in ~${retryAfterSeconds}s.`;
  return problemBody(
    429,
    { detail, ...(isInBody && { status: 429, retry_after: retryAfterSeconds }) },
    isInHeader ? { "retry-after": String(retryAfterSeconds) } : {},
  );
}

function problemBody(status: number, body: unknown, headers: Headers = {}): Answer {
  return {
    kind: "answer",
    status,
    headers: { "content-type": "application/problem+json", ...headers },
    body: `${wireJson(body)}\n`,
  };
}
