/**
 * Sends a request once, follows redirects no further than its own origin, and reads no more of the answer
 * than is allowed. Never fails: what came of it is data.
 */
import { Effect, Result } from "effect";
import { type BodyTrouble, readBody } from "../bounded-body.ts";
import { networkErrorCode, networkErrorText } from "../network-error.ts";
import type { HttpRequest } from "./http-request.ts";

export type Exchange = Answered | Lost;

export interface Answered {
  readonly kind: "answered";
  readonly status: number;
  readonly headers: Headers;
  readonly body: Result.Result<Uint8Array, BodyTrouble>;
}

/** No answer. `isSent` false: the request certainly never arrived anywhere. */
export interface Lost {
  readonly kind: "lost";
  readonly detail: string;
  readonly isSent: boolean;
}

/** What fails while connecting, before anything is sent. */
const unconnected: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EAI_AGAIN",
  "ENOTFOUND",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** A chain of redirects within one server that is longer than this goes in circles. */
const maxHops = 5;

/** Enough of a refusal to see why. */
const maxRefusalBytes = 65_536;

/** Interrupting it aborts the request. `maxBytes` bounds the body of a success, decoded. */
export const exchange = (request: HttpRequest, maxBytes: number): Effect.Effect<Exchange> =>
  Effect.tryPromise({
    try: (signal) => sendAndFollow(request, maxBytes, signal),
    catch: (error): Lost => ({
      kind: "lost",
      detail: request.conceal(networkErrorText(error)),
      isSent: !unconnected.has(networkErrorCode(error)),
    }),
  }).pipe(Effect.catch((lost) => Effect.succeed<Exchange>(lost)));

const sendAndFollow = async (
  request: HttpRequest,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Answered> => {
  let { url } = request;
  for (let hop = 0; ; hop += 1) {
    const { method, headers, body } = request;
    const response = await fetch(url, { method, headers, body, signal, redirect: "manual" });
    const next = hop < maxHops ? redirectOf(request, url, response) : null;
    if (next === null) return answered(response, maxBytes);
    await response.body?.cancel();
    url = next;
  }
};

const answered = async (response: Response, maxBytes: number): Promise<Answered> => ({
  kind: "answered",
  status: response.status,
  headers: response.headers,
  body: await readBody(response, response.ok ? maxBytes : maxRefusalBytes),
});

/** Headers hold secrets, and so stay with the origin they were meant for; only these two keep a method for certain. */
const redirectOf = ({ method }: HttpRequest, from: URL, response: Response): URL | null => {
  const isFollowed =
    [307, 308].includes(response.status) || isFollowedByGet(method, response.status);
  const location = response.headers.get("location");
  if (!isFollowed || location === null) return null;
  const to = URL.parse(location, from.href);
  return to?.origin === from.origin ? to : null;
};

const isFollowedByGet = (method: string, status: number): boolean =>
  method === "GET" && [301, 302, 303].includes(status);
