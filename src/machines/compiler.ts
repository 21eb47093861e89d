/**
 * From a pipeline to the XState machine of its jobs. The only file that knows XState's config shape.
 *
 * Entries are the events. Every transition records its entry into the context by the one fold; which
 * state follows is all that is said here. `running` is one compound state, so that cancelling, pausing
 * and failing are drawn once; a step's `invoke` stands on the step, so that moving between its
 * `active`, `waiting`, `backingOff` and `unknown` does not restart its service.
 */
import { assign, fromCallback, setup } from "xstate";
import type { RestKind } from "../steps/failure.ts";
import { initialContext, type JobContext } from "./context.ts";
import type { Entry } from "./entry.ts";
import {
  cancellingService,
  outputPath,
  type PipelinePlan,
  signalNodes,
  type StepNode,
} from "./plan.ts";
import { record } from "./record.ts";

/** What a running state invokes; the runtime holds an Effect program for each. */
export type ServiceSource = "step" | "output" | "cancelling";

const restKinds: ReadonlyArray<RestKind> = [
  "validation",
  "timeout",
  "provider",
  "policy",
  "defect",
];

/** Stands for a service where the machine runs under a plain actor; the runtime starts the real ones. */
const inert = fromCallback<Entry>(() => undefined);

const base = setup({
  types: {
    // XState takes types through empty values; nothing reads them.
    context: {} as JobContext,
    // As above.
    events: {} as Entry,
  },
  actors: { step: inert, output: inert, cancelling: inert },
  actions: { record: assign(({ context, event }) => record(context, event)) },
  guards: {
    isPaused: ({ context }) => context.isPaused,
    isRunning: ({ context }) => !context.isPaused,
    hasOpenPredictions: ({ context }) => Object.keys(context.open).length > 0,
    isOpen: ({ context, event }) => "key" in event && event.key in context.open,
    isOwed: ({ context, event }) =>
      "key" in event && (event.key in context.open || event.key in context.unconfirmed),
    isUndecided: ({ context }, { path }: { readonly path: string }) =>
      context.steps[path]?.phase === "absent",
    isOf: ({ event }, { path }: { readonly path: string }) =>
      "path" in event && event.path === path,
    isPresentCall: ({ context, event }, { path }: { readonly path: string }) =>
      "key" in event && event.key in context.open && context.steps[path]?.call?.key === event.key,
    isNewSignal: ({ context, event }, { path }: { readonly path: string }) =>
      event.type === "SignalReceived" && event.path === path && !(path in context.signals),
    isSignalled: ({ context, event }, { path }: { readonly path: string }) =>
      "path" in event && event.path === path && path in context.signals,
    isKind: ({ event }, { kind }: { readonly kind: RestKind }) =>
      event.type === "StepFailed" && event.kind === kind,
  },
});

const cancel = [
  { target: "#job.cancelling", guard: "hasOpenPredictions", actions: "record" },
  { target: "#job.cancelled", actions: "record" },
] as const;

/** Where nobody knows whether a call was made, `ask` leaves it to a person: RETRY pays again. */
const asks = (node: StepNode): boolean =>
  node.step.program.kind === "model" && node.step.program.onUnknown === "ask";

/** Whether an earlier job's answer may do the step. */
const reuses = (node: StepNode): boolean =>
  node.step.program.kind === "model" && node.step.program.reuseMs !== null;

/** The state of a step that runs a function or asks a model. `next` is the path of what follows. */
const workState = (node: StepNode, next: string) => {
  const { path } = node;
  const mine = { type: "isOf", params: { path } } as const;
  const present = { type: "isPresentCall", params: { path } } as const;
  return base.createStateConfig({
    initial: "active",
    invoke: { id: path, src: "step" },
    on: {
      StepStarted: { target: ".active", guard: mine, actions: "record" },
      PredictionIntended: { target: ".active", guard: mine, actions: "record" },
      PredictionAccepted: { target: ".waiting", guard: present, actions: "record" },
      PredictionUnknown: { target: ".unknown", guard: present, actions: "record" },
      PredictionRejected: { target: ".active", guard: present, actions: "record" },
      PredictionAbsent: {
        target: asks(node) ? ".unknown" : ".active",
        guard: present,
        actions: "record",
      },
      PredictionUnconfirmed: { target: ".active", guard: present, actions: "record" },
      PredictionSettled: { target: ".active", guard: present, actions: "record" },
      ...(reuses(node)
        ? { PredictionReused: { target: ".active", guard: mine, actions: "record" } as const }
        : {}),
      AttemptTimedOut: { guard: present, actions: "record" },
      OutputRejected: { target: ".active", guard: mine, actions: "record" },
      AttemptHeld: { target: ".backingOff", guard: mine, actions: "record" },
      AttemptFailed: { target: ".backingOff", guard: mine, actions: "record" },
      StepSucceeded: { target: `#job.running.${next}`, guard: mine, actions: "record" },
    },
    states: {
      active: {},
      waiting: {},
      backingOff: {},
      unknown: asks(node)
        ? {
            on: {
              RetryRequested: {
                target: "active",
                guard: { type: "isUndecided", params: { path } },
                actions: "record",
              },
            },
          }
        : {},
    },
  });
};

/** The state of a step that waits for a signal, which may have come before the step was reached. */
const signalState = ({ path }: StepNode, next: string) => {
  const params = { path };
  const mine = { type: "isOf", params } as const;
  return base.createStateConfig({
    initial: "active",
    invoke: { id: path, src: "step" },
    on: {
      SignalAwaited: [
        { target: ".active", guard: { type: "isSignalled", params }, actions: "record" },
        { target: ".waiting", guard: mine, actions: "record" },
      ],
      SignalReceived: {
        target: ".active",
        guard: { type: "isNewSignal", params },
        actions: "record",
      },
      StepSucceeded: { target: `#job.running.${next}`, guard: mine, actions: "record" },
    },
    states: { active: {}, waiting: {} },
  });
};

const stepState = (node: StepNode, next: string) =>
  node.step.program.kind === "signal" ? signalState(node, next) : workState(node, next);

/** Signals of these steps are kept wherever the job stands. */
const kept = (nodes: ReadonlyArray<StepNode>) =>
  nodes.length === 0
    ? {}
    : {
        SignalReceived: nodes.map(({ path }) => ({
          guard: { type: "isNewSignal", params: { path } } as const,
          actions: "record" as const,
        })),
      };

const outputState = base.createStateConfig({
  invoke: { id: outputPath, src: "output" },
  on: { JobCompleted: { target: "#job.complete", actions: "record" } },
});

type RunningState =
  | ReturnType<typeof workState>
  | ReturnType<typeof signalState>
  | typeof outputState
  | { readonly type: "history"; readonly history: "deep" };

const runningStates = (nodes: ReadonlyArray<StepNode>): Record<string, RunningState> => {
  const steps = nodes.map((node, index): [string, RunningState] => [
    node.path,
    stepState(node, nodes[index + 1]?.path ?? outputPath),
  ]);
  return Object.fromEntries<RunningState>([
    ...steps,
    [outputPath, outputState],
    // Deep: a step that failed while a call of it was open goes on waiting for that call.
    ["(last)", { type: "history", history: "deep" }],
  ]);
};

/** Facts that may come at any time, from a call that no step waits for any more: booked, nothing else. */
const anytime = {
  Claimed: { actions: "record" },
  PredictionSettled: { guard: "isOwed", actions: "record" },
  PredictionRejected: { guard: "isOpen", actions: "record" },
  PredictionAbsent: { guard: "isOpen", actions: "record" },
  PredictionUnconfirmed: { guard: "isOpen", actions: "record" },
  PredictionAccepted: { guard: "isOpen", actions: "record" },
  PredictionUnknown: { guard: "isOpen", actions: "record" },
} as const;

/** Compiles the plan. Same plan, same machine: the compiler reads nothing else. */
export const compile = (plan: PipelinePlan) => {
  const signals = signalNodes(plan.nodes);
  return base.createMachine({
    id: "job",
    initial: "pending",
    context: initialContext,
    on: anytime,
    states: {
      pending: {
        on: {
          JobSubmitted: { actions: "record" },
          JobStarted: { target: "running", actions: "record" },
          CancelRequested: { target: "cancelled", actions: "record" },
          ...kept(signals),
        },
      },
      running: {
        initial: plan.nodes[0]?.path ?? outputPath,
        on: {
          StepFailed: restKinds.map((kind) => ({
            target: `failed.${kind}`,
            guard: { type: "isKind", params: { kind } } as const,
            actions: "record" as const,
          })),
          CancelRequested: cancel,
          PauseRequested: { guard: "isRunning", actions: "record" },
          ResumeRequested: { guard: "isPaused", actions: "record" },
          // The first step takes its signal itself.
          ...kept(signals.filter(({ path }) => path !== plan.nodes[0]?.path)),
        },
        states: runningStates(plan.nodes),
      },
      cancelling: {
        invoke: { id: cancellingService, src: "cancelling" },
        on: { JobCancelled: { target: "cancelled", actions: "record" } },
      },
      failed: {
        initial: "defect",
        on: {
          RetryRequested: { target: "running.(last)", actions: "record" },
          CancelRequested: cancel,
          ...kept(signals),
        },
        states: Object.fromEntries(restKinds.map((kind) => [kind, {}])),
      },
      complete: { type: "final" },
      cancelled: { type: "final" },
    },
  });
};

export type JobMachine = ReturnType<typeof compile>;
