/**
 * One POST to one address: no redirect is followed, nothing is kept open, and of the answer only its status
 * is of interest. Node's own client, as `fetch` cannot be told which addresses it may connect to.
 */
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { Effect } from "effect";
import { AddressRefused } from "./target-address.ts";

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly lookup: LookupFunction;
  /** Until the end of the answer. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
}

/** No answer came; why, without the address and the URL. */
export interface NoAnswer {
  readonly detail: string;
}

/** A receiver that says more than this is listened to no longer. */
const maxAnswerBytes = 65_536;

/** Interrupting it closes the connection. Fails with: NoAnswer. */
export const post = (one: Post): Effect.Effect<Answer, NoAnswer> =>
  Effect.suspend(() => {
    let answered: Answer | null = null;
    const sent = exchange(one, (answer) => {
      answered = answer;
    });
    // A receiver that has said yes and then never comes to an end has said yes.
    const orElse = () =>
      answered === null ? Effect.fail(late(one.timeoutMs)) : Effect.succeed(answered);
    return Effect.timeoutOrElse(sent, { duration: one.timeoutMs, orElse });
  });

const late = (timeoutMs: number): NoAnswer => ({
  detail: `no answer within ${timeoutMs / 1_000} s`,
});

const exchange = (
  { url, headers, body, lookup }: Post,
  onAnswer: (answer: Answer) => void,
): Effect.Effect<Answer, NoAnswer> =>
  Effect.callback((resume) => {
    const send = url.protocol === "http:" ? requestHttp : requestHttps;
    // A connection of its own: one that was kept open might have been closed by the other side meanwhile.
    const request = send(url, { method: "POST", headers, lookup, agent: false });
    let answered: Answer | null = null;
    request.on("response", (response) => {
      const answer = answerOf(response);
      answered = answer;
      onAnswer(answer);
      hearOut(response, () => {
        resume(Effect.succeed(answer));
      });
    });
    request.on("error", (error) => {
      // What breaks off after the status does not change the status.
      resume(
        answered === null ? Effect.fail({ detail: detailOf(error) }) : Effect.succeed(answered),
      );
    });
    request.end(body);
    return Effect.sync(() => {
      request.destroy();
    });
  });

/** Reads to the end, so that the receiver sees its answer taken, but not for ever. */
const hearOut = (response: IncomingMessage, done: () => void): void => {
  let size = 0;
  response.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxAnswerBytes) response.destroy();
  });
  response.on("error", () => undefined);
  response.on("close", done);
};

const answerOf = ({ statusCode = 0, headers }: IncomingMessage): Answer => ({
  status: statusCode,
  retryAfter: headers["retry-after"] ?? null,
});

const detailOf = (error: Error): string => {
  if (error instanceof AddressRefused) return error.message;
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return `no answer: ${code}`;
};
