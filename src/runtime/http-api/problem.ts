/**
 * What a caller is told when a request cannot be answered as asked: RFC 9457, with the path of each wrong
 * field. It says what the caller can do about it and nothing of what is inside.
 */
import { Data } from "effect";
import type { Issue } from "../../steps/failure.ts";

export const titles = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  422: "Unprocessable Content",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const;

export type ProblemStatus = keyof typeof titles;

export class Problem extends Data.TaggedError("Problem")<{
  readonly status: ProblemStatus;
  readonly detail: string;
  /** Where the request is wrong: dotted paths into the body, or the name of a header or query parameter. */
  readonly errors?: ReadonlyArray<Issue>;
  readonly headers?: Readonly<Record<string, string>>;
}> {
  override get message(): string {
    return `${this.status} ${titles[this.status]}: ${this.detail}`;
  }
}

export const contentType = "application/problem+json";

export const bodyOf = ({ status, detail, errors }: Problem) => ({
  type: "about:blank",
  title: titles[status],
  status,
  detail,
  ...(errors === undefined ? {} : { errors }),
});

/** The problem as a plain response. */
export const plainProblem = (problem: Problem): Response => {
  const { status, headers } = problem;
  return Response.json(bodyOf(problem), {
    status,
    headers: { "content-type": contentType, "cache-control": "no-store", ...headers },
  });
};

/** What a stopped service answers. */
export const goneResponse = (): Response => plainProblem(unavailable());

/** A host has read what was sent, and left nothing of it. */
export const bodyGone = new Problem({
  status: 500,
  detail:
    "The body was read before it came here: mount the handler of Catena before middleware that parses" +
    " bodies, such as app.use(catena.handler) before app.use(express.json())",
});

/** A field, header or parameter is not as expected. */
export const wrongField = (status: 400 | 422, path: string, message: string): Problem =>
  new Problem({ status, detail: `${path} is not valid`, errors: [{ path, message }] });

/** There is no such thing, or none that this caller may see: the two look alike. */
export const notFound = (what: string): Problem =>
  new Problem({ status: 404, detail: `There is no ${what} here` });

/** The stores do not answer; nothing was lost. */
export const unavailable = (): Problem =>
  new Problem({
    status: 503,
    detail: "The service cannot read or write its store just now. Nothing was lost: try again",
    headers: { "retry-after": "5" },
  });
