/**
 * The vocabulary of a fault plan: what may go wrong, and at which requests. A plan is plain JSON, sent to
 * POST /emulator/plan or given to startEmulator.
 */

export type Operation =
  | "create"
  | "get"
  | "cancel"
  | "list"
  | "file"
  | "upload"
  | "model"
  | "webhook";

/** Which requests a rule is about; what is left out matches everything. */
export interface Match {
  readonly operation: Operation;
  /** `owner/name`; for get, cancel, file and webhook the model of the prediction. Never matches a list. */
  readonly model?: string;
  /** Which of the requests that match so far, counted from 1 for each rule by itself. */
  readonly nth?: number | readonly number[];
  /** Share of the requests in [0, 1], drawn from the seed. */
  readonly probability?: number;
  /** Default 1. */
  readonly seed?: number;
}

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
      readonly announcedIn?: "header" | "body" | "both" | "neither";
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
  | { readonly type: "expired-file" }
  /** Half of the bytes. `whole` promises all of them in Content-Length and breaks the connection; default `cut`: the promise is kept. */
  | { readonly type: "truncated-file"; readonly promisedLength?: "cut" | "whole" }
  | { readonly type: "html-file" }
  | { readonly type: "dropped-webhook" }
  | { readonly type: "duplicated-webhook" };

/** What becomes of a prediction, whatever its model would have answered. */
export type Outcome =
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "hang" }
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
