/** What each act makes of a world: the facts that a correct runtime journals. */
import { maxDeaths } from "../count-deaths.ts";
import {
  encodeFailure,
  type Failure,
  PolicyFailure,
  ProviderFailure,
  TimeoutFailure,
  ValidationFailure,
} from "../../steps/failure.ts";
import type { Fact, FactOf } from "../entry.ts";
import type { StepNode } from "../plan.ts";
import { mayHaveRun } from "../suspicion.ts";
import type { Act, Ending, Reply, RunEnding, Said } from "./act.ts";
import {
  append,
  attemptFailed,
  currentNode,
  currentStep,
  failed,
  intended,
  settle,
  started,
  type World,
} from "./world.ts";

/** The world once the act has happened and everything that follows by itself. */
export const play = (world: World, act: Act): World => settle(perform(world, act));

const perform = (world: World, act: Act): World => {
  switch (act.do) {
    case "reply":
      return reply(world, act.reply);
    case "end":
      return end(world, act.ending);
    case "finish":
      return finish(world, act.ending);
    case "signal":
      return signal(world, act.path, act.said);
    case "wait":
      return wait(world);
    case "crash":
      return crash(world, act.isCreated);
    default:
      return tell(world, act.do);
  }
};

const by = "path";
const tell = (world: World, what: "start" | "cancel" | "pause" | "resume" | "retry"): World => {
  const isRunning = world.standing === "running";
  const { isPaused } = world.context;
  switch (what) {
    case "start":
      return append(append(world, claimed(false)), { type: "JobStarted" });
    case "pause":
      return isRunning && !isPaused ? append(world, { type: "PauseRequested", by }) : world;
    case "resume":
      return isRunning && isPaused ? append(world, { type: "ResumeRequested", by }) : world;
    case "retry":
      return append(world, { type: "RetryRequested", by, isFresh: false });
    case "cancel":
      return world.standing === "complete" || world.standing === "cancelled"
        ? world
        : append(world, { type: "CancelRequested", by });
  }
};

const claimed = (isTakeover: boolean): Fact => ({
  type: "Claimed",
  owner: "",
  epoch: 1,
  isTakeover,
});

/** The process dies and another takes over: what was on its way is now a lost answer. */
const crash = (world: World, isCreated: boolean): World => {
  if (world.standing !== "running" && world.standing !== "cancelling") return world;
  const remote = Object.fromEntries(
    Object.entries(world.remote).map(([key, one]) => [
      key,
      one === "sending" ? (isCreated ? "lostCreated" : "lostAbsent") : one,
    ]),
  );
  const takeover = { ...claimed(true), isSuspect: isSuspect(world) };
  const taken = { ...append(world, takeover), remote };
  const node = currentNode(taken);
  if (node === undefined || taken.standing !== "running") return taken;
  const step = currentStep(taken);
  const defect = { _tag: "Defect", message: "" } as const;
  if (taken.context.claims >= maxDeaths) return append(taken, failed(node, step, defect));
  const isLost = node.step.program.kind === "run" && step.phase === "started";
  if (!isLost || node.step.isRepeatable) return taken;
  return append(taken, failed(node, step, encodeFailure(provider("OutcomeUnknown"))));
};

const isSuspect = (world: World): boolean => {
  const isCallInHand = Object.values(world.remote).includes("sending");
  if (world.standing !== "running") return isCallInHand;
  const node = currentNode(world);
  return mayHaveRun({ context: world.context, node, isTimerOver: false, isCallInHand });
};

const provider = (reason: ProviderFailure["reason"]): ProviderFailure =>
  new ProviderFailure({ reason, provider: "", detail: "" });

const timeout = (awaited: TimeoutFailure["awaited"]): TimeoutFailure =>
  new TimeoutFailure({ timeoutMs: 1, awaited });

const invalid = (at: ValidationFailure["at"]): ValidationFailure =>
  new ValidationFailure({ at, issues: [] });

/** The open call, by its key; the step it belongs to is the one the job stands at. */
const openCall = ({ context }: World): { readonly path: string; readonly key: string } => {
  const key = Object.keys(context.open)[0] ?? "";
  return { path: context.open[key]?.path ?? "", key };
};

const without = ({ remote }: World, key: string): World["remote"] => {
  const { [key]: _, ...others } = remote;
  return others;
};

// --- the provider's answer to a create

const rejections: { readonly [Name in Reply]?: ProviderFailure | ValidationFailure } = {
  rateLimited: provider("RateLimited"),
  unauthorized: provider("Unauthorized"),
  badRequest: invalid("request"),
};

const reply = (world: World, how: Reply): World => {
  const call = openCall(world);
  const failure = rejections[how];
  if (failure !== undefined) return rejected(world, failure);
  if (how === "lostCreated" || how === "lostAbsent") {
    const unknown = append(world, { type: "PredictionUnknown", ...call, detail: "" });
    return { ...unknown, remote: { ...world.remote, [call.key]: how } };
  }
  return accepted(world, false);
};

const accepted = (world: World, isAdopted: boolean): World => {
  const call = openCall(world);
  const fact: Fact = { type: "PredictionAccepted", ...call, predictionId: call.key, isAdopted };
  return { ...append(world, fact), remote: { ...world.remote, [call.key]: "running" } };
};

const rejected = (world: World, failure: ProviderFailure | ValidationFailure): World => {
  const call = openCall(world);
  const stored = encodeFailure(failure);
  const next = {
    ...append(world, { type: "PredictionRejected", ...call, failure: stored }),
    remote: without(world, call.key),
  };
  if (next.standing !== "running") return next;
  if (failure._tag !== "ProviderFailure" || failure.reason !== "RateLimited")
    return failAttempt(next, failure);
  const { attempt } = currentStep(next);
  const retry = { wakeAt: 0, delayMs: 0 };
  return append(next, { type: "AttemptHeld", path: call.path, attempt, failure: stored, retry });
};

/** What the step makes of it, if it is still there to hear of it. */
const onStep = (
  world: World,
  factOf: (node: StepNode, step: ReturnType<typeof currentStep>) => Fact,
): World => {
  const node = currentNode(world);
  if (world.standing !== "running" || node === undefined) return world;
  return append(world, factOf(node, currentStep(world)));
};

const failAttempt = (world: World, failure: Failure): World =>
  onStep(world, (node, step) => attemptFailed(node, step, failure));

const succeed = (world: World): World =>
  onStep(world, ({ path }, { attempt }) => ({
    type: "StepSucceeded",
    path,
    attempt,
    output: { json: null },
  }));

// --- the end of a prediction

type Status = FactOf<"PredictionSettled">["status"];

const end = (world: World, how: Ending): World => {
  switch (how) {
    case "valid":
      return succeed(settled(world, "succeeded"));
    case "invalid":
      return rejectOutput(settled(world, "succeeded"));
    case "failed":
      return failAttempt(settled(world, "failed"), provider("PredictionFailed"));
    case "blocked":
      return failAttempt(settled(world, "failed"), new PolicyFailure({ rule: "" }));
    case "refused":
      return failAttempt(settled(world, "succeeded"), new PolicyFailure({ rule: "" }));
    case "timeout":
      return failAttempt(settled(outOfTime(world, "attempt"), "canceled"), timeout("attempt"));
    case "bootTimeout":
      return failAttempt(settled(outOfTime(world, "boot"), "canceled"), timeout("boot"));
    case "lateSuccess":
      return succeed(settled(outOfTime(world, "attempt"), "succeeded"));
    case "stubborn":
      return failAttempt(unconfirmed(outOfTime(world, "attempt")), timeout("attempt"));
    case "canceled":
      return settled(world, "canceled");
  }
};

const settled = (world: World, status: Status): World => {
  const call = openCall(world);
  const receipt = {
    provider: "",
    model: "",
    predictionId: call.key,
    costMicros: 0,
    basis: "",
    metrics: {},
  };
  const next = append(world, {
    type: "PredictionSettled",
    ...call,
    predictionId: call.key,
    status,
    raw: { json: null },
    files: [],
    fileFailure: null,
    receipt,
  });
  return { ...next, remote: without(world, call.key) };
};

const outOfTime = (world: World, awaited: "attempt" | "boot"): World => {
  if (world.standing !== "running") return world;
  const { attempt } = currentStep(world);
  return append(world, {
    type: "AttemptTimedOut",
    ...openCall(world),
    attempt,
    timeoutMs: 1,
    awaited,
  });
};

const unconfirmed = (world: World): World => {
  const call = openCall(world);
  return {
    ...append(world, { type: "PredictionUnconfirmed", ...call }),
    remote: without(world, call.key),
  };
};

const rejectOutput = (world: World): World =>
  onStep(world, (node, step) => {
    const { program } = node.step;
    const failure = invalid("output");
    if (program.kind !== "model" || step.repairs >= program.repair)
      return attemptFailed(node, step, failure);
    const { attempt, call } = step;
    const { path } = node;
    return {
      type: "OutputRejected",
      path,
      attempt,
      key: call?.key ?? "",
      failure: encodeFailure(failure),
    };
  });

// --- signals, run steps, and time

/** One that was sent before, or that nobody will ever wait for, is not taken. */
const signal = (world: World, path: string, said: Said): World => {
  const isOpen = world.standing === "running" || world.standing === "failed";
  if (!isOpen || path in world.context.signals) return world;
  const received = { type: "SignalReceived", path, id: null, by, value: { json: null } } as const;
  return { ...append(world, received), said: { ...world.said, [path]: said } };
};

const finish = (world: World, how: RunEnding): World => {
  if (how === "valid") return succeed(world);
  if (how === "defect")
    return onStep(world, (node, step) => failed(node, step, { _tag: "Defect", message: "" }));
  const failures = {
    invalid: invalid("output"),
    timeout: timeout("attempt"),
    provider: provider("Unavailable"),
    policy: new PolicyFailure({ rule: "" }),
  } as const;
  return failAttempt(world, failures[how]);
};

/** Time passes: a lost answer is found or found absent, a waiting step goes on. */
const wait = (world: World): World => {
  const { key, path } = openCall(world);
  const remote = world.remote[key];
  if (remote === "lostCreated") return accepted(world, true);
  if (remote === "lostAbsent") {
    const absent = append(world, { type: "PredictionAbsent", path, key, isCertain: true });
    return { ...absent, remote: without(world, key) };
  }
  const late = encodeFailure(timeout("signal"));
  return onStep(world, (node, step) => {
    if (step.phase === "awaiting") return failed(node, step, late);
    return step.phase === "held" ? intended(world, node, step) : started(node, step);
  });
};
