/**
 * The official client behind a fetch that never throws and never shows it a failing status. The client
 * resends a POST up to six times on a network error and at once on 429; given only answers that look
 * fine it sends every request exactly once, and its errors, which carry the token, are never made.
 */
import { Effect, Redacted, Result } from "effect";
import ReplicateSdk from "replicate";
import { type BodyTrouble, readBody } from "../bounded-body.ts";
import { networkErrorText } from "../network-error.ts";

/** What one request came to. The body is text; the token is struck out of it. */
export type Reply = Answer | Lost;

export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** No answer, or one that broke off. */
export interface Lost {
  readonly kind: "lost";
  readonly detail: string;
}

export interface ApiRequest {
  readonly method?: "GET" | "POST";
  readonly params?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: object;
  /** In place of `requestTimeoutMs`, for what takes longer than a question. */
  readonly timeoutMs?: number;
}

/** Sends one request and never fails; `route` is a path under the base URL, or a URL of the same origin. */
export type SendRequest = (route: string | URL, request: ApiRequest) => Effect.Effect<Reply>;

export interface ApiOptions {
  readonly token: Redacted.Redacted;
  readonly baseUrl: string;
  readonly fetch: typeof globalThis.fetch;
  readonly requestTimeoutMs: number;
  readonly maxAnswerBytes: number;
}

/** What the official client gets to see: always 200, with the true reply beside it. */
class TamedResponse extends Response {
  readonly reply: Reply;
  constructor(reply: Reply) {
    super(null, { status: 200 });
    this.reply = reply;
  }
}

const lost = (detail: string): Lost => ({ kind: "lost", detail });

const troubleText = ({ kind, detail }: BodyTrouble): string => {
  if (kind === "lost") return detail;
  return kind === "tooLarge" ? `the answer is ${detail}` : `the answer ${detail}`;
};

interface Taming {
  readonly fetch: typeof globalThis.fetch;
  readonly maxAnswerBytes: number;
  readonly conceal: (text: string) => string;
}

const tame =
  ({ fetch, maxAnswerBytes, conceal }: Taming) =>
  async (url: string | URL | Request, init?: RequestInit): Promise<TamedResponse> => {
    try {
      // A redirected POST would be sent twice, and a redirect would carry the token to another place.
      const response = await fetch(url, { ...init, redirect: "manual" });
      const body = await readBody(response, maxAnswerBytes);
      if (Result.isFailure(body))
        return new TamedResponse(lost(conceal(troubleText(body.failure))));
      return new TamedResponse({
        kind: "answer",
        status: response.status,
        headers: response.headers,
        body: conceal(new TextDecoder().decode(body.success)),
      });
    } catch (error) {
      return new TamedResponse(lost(conceal(networkErrorText(error))));
    }
  };

/** The one way to the API: one request a call, bounded by `requestTimeoutMs` on the Effect clock. */
export const makeSendRequest = (options: ApiOptions): SendRequest => {
  const { baseUrl, requestTimeoutMs } = options;
  const token = Redacted.value(options.token);
  const conceal = (text: string): string => text.replaceAll(token, "<token>");
  const client = new ReplicateSdk({
    auth: token,
    baseUrl,
    fetch: tame({ fetch: options.fetch, maxAnswerBytes: options.maxAnswerBytes, conceal }),
    useFileOutput: false,
  });
  return (route, { timeoutMs = requestTimeoutMs, ...request }) =>
    Effect.tryPromise({
      try: (signal) => client.request(route, { ...request, signal }),
      catch: (error) => lost(conceal(networkErrorText(error))),
    }).pipe(
      Effect.map(
        (response): Reply =>
          response instanceof TamedResponse
            ? response.reply
            : lost("the client answered by itself"),
      ),
      Effect.catch((reply) => Effect.succeed<Reply>(reply)),
      Effect.timeoutOrElse({
        duration: timeoutMs,
        orElse: () => Effect.succeed<Reply>(lost(`no answer within ${timeoutMs} ms`)),
      }),
    );
};
