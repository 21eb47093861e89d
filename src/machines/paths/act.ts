/**
 * What can happen to a job from outside, as data: the answers of providers, the ends of run steps, the
 * words of operators, and the death of the process. Paths are made of these.
 */
import type { SignalNode, StepNode } from "../plan.ts";

/** How a provider answers a create. */
export type Reply =
  | "accepted"
  | "rateLimited"
  | "unauthorized"
  | "badRequest"
  /** No answer, and the prediction exists. */
  | "lostCreated"
  /** No answer, and there is no prediction. */
  | "lostAbsent";

/** How a prediction ends. */
export type Ending =
  | "valid"
  | "invalid"
  | "failed"
  /** The provider's own filter refuses the content. */
  | "blocked"
  /** The step's own `refuse` has the last word on a valid output. */
  | "refused"
  | "timeout"
  /** It never starts running. */
  | "bootTimeout"
  /** The cancel at its deadline comes too late: it succeeds. */
  | "lateSuccess"
  /** The cancel at its deadline is never confirmed. */
  | "stubborn"
  /** It ends as it was asked to. */
  | "canceled";

/** How an attempt of a run step ends. */
export type RunEnding = "valid" | "invalid" | "timeout" | "provider" | "policy" | "defect";

/** What a signal says: what the step takes, or what it refuses. */
export type Said = "valid" | "refused";

export type Act =
  | { readonly do: "reply"; readonly reply: Reply }
  | { readonly do: "end"; readonly ending: Ending }
  | { readonly do: "finish"; readonly ending: RunEnding }
  /** Somebody sends the signal of the step at `path`, wherever the job stands. */
  | { readonly do: "signal"; readonly path: string; readonly said: Said }
  /** Time passes, until the timer is due or the lost answer is looked for. */
  | { readonly do: "wait" }
  | { readonly do: "start" | "cancel" | "pause" | "resume" | "retry" }
  /** `isCreated`: whether the create that was on its way reached the provider. */
  | { readonly do: "crash"; readonly isCreated: boolean };

/** What a step can be made to do; what is missing is what no answer can provoke. */
export interface Provocable {
  /** An answer that does not parse or decode is known. */
  readonly invalid: boolean;
  /** An answer, or a signal, that the step refuses is known. */
  readonly refused: boolean;
}

export const replies: ReadonlyArray<Reply> = [
  "accepted",
  "rateLimited",
  "unauthorized",
  "badRequest",
  "lostCreated",
  "lostAbsent",
];

/** The endings that the step's declaration allows. */
export const endingsOf = (node: StepNode, can: Provocable): ReadonlyArray<Ending> => [
  "valid",
  ...(can.invalid ? (["invalid"] as const) : []),
  "failed",
  "blocked",
  ...(can.refused ? (["refused"] as const) : []),
  "timeout",
  ...(node.step.timeout.bootMs === undefined ? [] : (["bootTimeout"] as const)),
  "lateSuccess",
  "stubborn",
];

/** The endings of a run step: its result, what it declares, and what needs no declaring. */
export const runEndingsOf = (node: StepNode, can: Provocable): ReadonlyArray<RunEnding> => [
  "valid",
  ...(can.invalid ? (["invalid"] as const) : []),
  "timeout",
  ...(node.step.fails.includes("provider") ? (["provider"] as const) : []),
  ...(node.step.fails.includes("policy") ? (["policy"] as const) : []),
  "defect",
];

/** What may come of waiting for a signal. */
export const signalEndingsOf = (
  { path, program }: SignalNode,
  can: Provocable,
): ReadonlyArray<Act> => [
  { do: "signal", path, said: "valid" },
  ...(can.refused ? ([{ do: "signal", path, said: "refused" }] as const) : []),
  ...(program.timeoutMs === null ? [] : ([{ do: "wait" }] as const)),
];

const words: { readonly [Name in Reply | Ending | RunEnding]: string } = {
  accepted: "accepted",
  rateLimited: "rate limited",
  unauthorized: "unauthorized",
  badRequest: "request refused",
  lostCreated: "answer lost, prediction made",
  lostAbsent: "answer lost, none made",
  valid: "succeeds",
  invalid: "invalid output",
  failed: "prediction fails",
  blocked: "blocked by the provider",
  refused: "refused by the step",
  timeout: "times out",
  bootTimeout: "never boots",
  lateSuccess: "succeeds after its time",
  stubborn: "ignores its cancel",
  canceled: "is cancelled remotely",
  provider: "provider failure",
  policy: "policy failure",
  defect: "defect",
};

/** The act in a path's name. */
export const nameOf = (act: Act): string => {
  if (act.do === "reply") return words[act.reply];
  if (act.do === "end" || act.do === "finish") return words[act.ending];
  if (act.do === "signal") return `signal ${act.path}${act.said === "valid" ? "" : ", a refusal"}`;
  if (act.do === "crash") return act.isCreated ? "crash" : "crash before anything was made";
  return act.do;
};
