/**
 * Answers as data: a handler returns what to send, and only the server (server.ts) touches the socket. That is what
 * lets a fault plan cut, hold back or replace an answer.
 */

export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
  /** Content-Length where it is not the body's: the connection is broken after the body. */
  readonly promisedBytes?: number;
}

/** `reset` breaks the connection, `hang` never answers. */
export type Reply = Answer | { readonly kind: "reset" } | { readonly kind: "hang" };

export interface InvalidField {
  readonly type: string;
  readonly field: string;
  readonly description: string;
}

export function json(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    kind: "answer",
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

export function bytes(body: Uint8Array, contentType: string): Answer {
  return { kind: "answer", status: 200, headers: { "content-type": contentType }, body };
}

/** RFC 7807, with only the keys that are given. */
export function problem(
  status: number,
  detail: string,
  rest: { readonly title?: string; readonly [key: string]: unknown } = {},
): Answer {
  return json(status, { ...rest, detail, status }, { "content-type": "application/problem+json" });
}

export function notFound(detail: string): Answer {
  return problem(404, detail);
}

export function unauthenticated(): Answer {
  return problem(401, "You did not pass a valid authentication token", {
    title: "Unauthenticated",
  });
}

export function invalidVersion(): Answer {
  const detail =
    "The specified version does not exist (or perhaps you don't have permission to use it?)";
  return problem(422, detail, { title: "Invalid version or not permitted" });
}

/** 422 that names each wrong field. */
export function invalidInput(fields: readonly InvalidField[]): Answer {
  const detail = fields.map(({ field, description }) => `- ${field}: ${description}\n`).join("");
  return problem(422, detail, { title: "Input validation failed", invalid_fields: fields });
}

/** An error page as an edge in front of the API sends it: HTML, whatever the client accepts. */
export function errorPage(status: number): Answer {
  const body = `<html>\r\n<head><title>${status} Error</title></head>\r\n<body>\r\n<center><h1>${status} Error</h1></center>\r\n<hr><center>cloudflare (emulated)</center>\r\n</body>\r\n</html>\r\n`;
  return { kind: "answer", status, headers: { "content-type": "text/html; charset=UTF-8" }, body };
}
