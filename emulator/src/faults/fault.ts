/**
 * The vocabulary of a fault plan: what may go wrong, and at which requests. A plan is plain JSON, sent to
 * POST /emulator/plan or given to startEmulator.
 */

/** Every kind of request that a rule can be about. `webhook` is what the provider itself sends. */
export const OPERATIONS = [
  "create",
  "get",
  "cancel",
  "list",
  "stream",
  "file",
  "upload",
  "model",
  "webhook",
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Which requests a rule is about; what is left out matches everything. */
export interface Match {
  readonly operation: Operation;
  /** `owner/name`; for get, cancel, stream, file and webhook the model of the prediction. Never matches a list. */
  readonly model?: string;
  /** Which of the requests that match so far, counted from 1 for each rule by itself. */
  readonly nth?: number | readonly number[];
  /** Share of the requests in [0, 1], drawn from the seed. */
  readonly probability?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Where a 429 says how long to wait: the `Retry-After` header, `retry_after` in the body. */
export const ANNOUNCED_IN = ["header", "body", "both", "neither"] as const;
export type AnnouncedIn = (typeof ANNOUNCED_IN)[number];

/** How the answer to a request goes wrong. */
export type AnswerFault =
  /** The answer never arrives whole. `applied` says whether the request took effect; `appliedAfterMs` makes a create appear only later. */
  | {
      readonly type: "lost-answer";
      readonly by: "reset" | "server-error" | "hang" | "html";
      readonly applied: boolean;
      readonly appliedAfterMs?: number;
      /** For server-error; default 502. */
      readonly status?: number;
    }
  | {
      readonly type: "rate-limited";
      readonly retryAfterSeconds: number;
      /** Default both. */
      readonly announcedIn?: AnnouncedIn;
      /** The text for an account with less than $5. Default false. */
      readonly isLowCredit?: boolean;
    }
  | { readonly type: "insufficient-credit" }
  | { readonly type: "unauthorized" }
  | { readonly type: "slow-answer"; readonly delayMs: number }
  /** The list as it was staleMs ago. */
  | { readonly type: "stale-list"; readonly staleMs: number }
  /** The cancel is answered and has no effect. */
  | { readonly type: "ignored-cancel" }
  /** The cancel is answered at once and takes effect delayMs later. */
  | { readonly type: "delayed-cancel"; readonly delayMs: number }
  /** The stream's connection breaks after so many events. */
  | { readonly type: "broken-stream"; readonly afterEvents: number }
  | { readonly type: "expired-file" }
  /** Half of the bytes. `whole` promises all of them in Content-Length and breaks the connection; default `cut`: the promise is kept. */
  | { readonly type: "truncated-file"; readonly promisedLength?: "cut" | "whole" }
  | { readonly type: "html-file" }
  | { readonly type: "dropped-webhook" }
  | { readonly type: "duplicated-webhook" }
  /** Sent delayMs later, while others overtake it. */
  | { readonly type: "delayed-webhook"; readonly delayMs: number };

/** What becomes of a prediction, whatever its model would have answered. */
export type Outcome =
  | { readonly kind: "failed"; readonly error: string }
  /** Stays `processing` (the default) or `starting` until it is cancelled, settled or released. */
  | { readonly kind: "hang"; readonly in?: "starting" | "processing" }
  | { readonly kind: "slow-boot"; readonly bootMs: number }
  | { readonly kind: "malformed" }
  | { readonly kind: "truncated" }
  | { readonly kind: "empty" }
  | { readonly kind: "null" }
  | { readonly kind: "output"; readonly output: unknown };

export type Fault = AnswerFault | { readonly type: "outcome"; readonly outcome: Outcome };

export interface FaultRule {
  readonly match: Match;
  readonly fault: Fault;
}
