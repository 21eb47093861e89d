/**
 * Answers as data: a handler returns what to send, and only the server (server.ts) touches the socket. That is what
 * lets a fault plan cut, hold back or replace an answer.
 */
import { wireJson } from "./wire-json.ts";

export type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array | string;
  /** Content-Length where it is not the body's: the connection is broken after the body. */
  readonly promisedBytes?: number;
}

/** Server-sent events, sent as they come; the signal is aborted when the client went away. */
export interface EventStream {
  readonly kind: "stream";
  readonly headers: Headers;
  readonly events: (signal: AbortSignal) => AsyncIterable<string>;
  /** The connection is broken after so many events. */
  readonly breaksAfter?: number;
}

/** `reset` breaks the connection, `hang` never answers. */
export type Reply = Answer | EventStream | { readonly kind: "reset" } | { readonly kind: "hang" };

export function json(status: number, body: unknown, headers: Headers = {}): Answer {
  return {
    kind: "answer",
    status,
    headers: { "content-type": "application/json; charset=UTF-8", ...headers },
    body: wireJson(body),
  };
}

export function bytes(body: Uint8Array, contentType: string): Answer {
  return { kind: "answer", status: 200, headers: { "content-type": contentType }, body };
}

/** An error page as an edge in front of the API sends it: HTML, whatever the client accepts. */
export function errorPage(status: number): Answer {
  const body = `<html>\r\n<head><title>${status} Error</title></head>\r\n<body>\r\n<center><h1>${status} Error</h1></center>\r\n<hr><center>cloudflare (emulated)</center>\r\n</body>\r\n</html>\r\n`;
  return { kind: "answer", status, headers: { "content-type": "text/html; charset=UTF-8" }, body };
}
