/** The instants at which a process of the simulation can be killed, frozen or stopped: a closed list. */

export const crashPoints = [
  // A transaction of the journal store: not begun; durable, but its writer does not know.
  "commit:before",
  "commit:after",
  // A paid create: intended, not sent; on its way; made, the answer not read; read, not written down.
  "post:before",
  "post:sent",
  "post:created",
  "post:answered",
  // A look, a cancel, a listing.
  "get:before",
  "get:after",
  "cancel:before",
  "cancel:after",
  "find:before",
  "find:after",
  // An output file on its way from the provider to our own store.
  "download:before",
  "download:after",
  "put:before",
  "put:after",
  // In the middle of a user's function.
  "step:before",
  "step:after",
] as const;
export type CrashPoint = (typeof crashPoints)[number];

/** What happens at the `nth` passing (over all processes) of a point. */
export interface Crash {
  readonly point: CrashPoint;
  readonly nth: number;
  readonly end: CrashEnd;
}

export type CrashEnd =
  /** As by SIGKILL: nothing of the process happens any more. */
  | { readonly type: "kill" }
  /** As by SIGSTOP, while others hold the process for dead: it goes on after `forMs`. */
  | { readonly type: "freeze"; readonly forMs: number }
  /** As by SIGTERM: the engine's scope is closed. */
  | { readonly type: "stop" };
