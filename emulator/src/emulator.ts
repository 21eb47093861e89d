/**
 * The emulator as a value: a local server that answers like Replicate's API. Tests start it in their own process;
 * main.ts makes a process of it. Nothing here reads the environment or exits.
 */
import { randomUUID } from "node:crypto";
import { Credit } from "./credit.ts";
import type { Emulation } from "./emulation.ts";
import { decodePlan } from "./faults/decode-plan.ts";
import { FaultPlan } from "./faults/fault-plan.ts";
import type { FaultRule } from "./faults/fault.ts";
import { RateLimiter } from "./http/rate-limiter.ts";
import { respond } from "./http/respond.ts";
import { serve } from "./http/server.ts";
import { instantEngine } from "./models/instant-engine.ts";
import { startWorkerEngine } from "./models/worker-engine.ts";
import { PredictionRunner } from "./predictions/prediction-runner.ts";
import { resolveSettings, type Settings } from "./settings.ts";
import type { LedgerEntry } from "./storage/ledger.ts";
import { closeStores, keptSecret, openState } from "./storage/state.ts";
import { DeliveryLog, type Delivery } from "./webhooks/delivery-log.ts";
import { WebhookSender } from "./webhooks/webhook-sender.ts";

export type { AnswerFault, Fault, FaultRule, Match, Operation, Outcome } from "./faults/fault.ts";
export type { Settings } from "./settings.ts";
export type { RateLimits } from "./http/rate-limiter.ts";
export type { Deployment } from "./models/deployment.ts";
export type { LedgerEntry } from "./storage/ledger.ts";
export type { Delivery } from "./webhooks/delivery-log.ts";

export interface EmulatorOptions extends Partial<Settings> {
  /** Where state is kept; without it everything is in memory and gone with stop. One emulator a directory at a time. */
  readonly stateDirectory?: string | undefined;
  /** Tried first; where it is taken, and by default, any free one. */
  readonly port?: number;
  /** A port that is taken is an error. Default false. */
  readonly isPortFixed?: boolean;
  readonly faults?: readonly FaultRule[];
  /** Loads the real models in the background right away. Default false: with their first prediction. */
  readonly isWarm?: boolean;
}

export interface Emulator {
  /** Scheme, host and port; the API is under `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly nonce: string;
  /** A token that this emulator accepts. */
  readonly token: string;
  /** `whsec_…`: what webhooks are signed with. */
  readonly webhookSecret: string;
  /** Every prediction ever made here, oldest first. */
  readonly ledger: () => readonly LedgerEntry[];
  /** What was sent to webhooks, oldest first; the last thousand. */
  readonly deliveries: () => readonly Delivery[];
  /** Replaces the fault plan; all counters begin again. Throws TypeError where a rule would change nothing. */
  readonly plan: (rules: readonly FaultRule[]) => void;
  /** Moves the time forward, ms; resolves when everything that was due by then has happened. */
  readonly advance: (durationMs: number) => Promise<void>;
  /** Forgets predictions, files, ledger, plan and advanced time, on disk too; settings and secret stay. */
  readonly reset: () => void;
  /** True when no model works and nothing was asked for idleMs. */
  readonly isIdle: (idleMs: number) => boolean;
  /** Breaks open connections and leaves unfinished predictions as they are. Idempotent. */
  readonly stop: () => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** Starts an emulator on 127.0.0.1; predictions left unfinished in the state directory run again. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { stateDirectory, port = 0, isPortFixed = false, faults = [], isWarm, ...given } = options;
  const closing = new AbortController();
  const state = openState(stateDirectory, resolveSettings(given), closing.signal);
  const { settings, clock, ledger } = state;
  const plan = new FaultPlan(checked(faults));
  const webhookSecret = settings.webhookSecret ?? keptSecret(stateDirectory);
  const engine = settings.models === "real" ? startWorkerEngine() : instantEngine;
  const deliveries = new DeliveryLog();
  const origin = (): string => server.url;
  const webhooks = new WebhookSender({ ...state, plan, deliveries, secret: webhookSecret, origin });
  const runner = new PredictionRunner({ ...state, engine, webhooks });
  const limiter = new RateLimiter(settings.rateLimits, settings.now);
  const credit = new Credit(ledger, settings.creditUsd);
  const reset = (): void => forget(emulation, webhooks);
  const rest = { plan, limiter, credit, runner, deliveries, webhookSecret, reset };
  const run = { nonce: randomUUID(), closing: closing.signal };
  const emulation: Emulation = { ...state, ...rest, ...run };
  const closeState = (): void => closeStores(state, closing);
  const serving = serve({ port, isPortFixed }, (call) => respond(emulation, call));
  serving.catch(closeState);
  const server = await serving;
  runner.resume();
  if (isWarm) engine.warm();
  const stop = once(async () => {
    closing.abort();
    runner.close();
    webhooks.close();
    await server.close();
    await engine.close();
    closeState();
  });
  return {
    url: server.url,
    port: server.port,
    nonce: emulation.nonce,
    token: settings.token ?? "r8_emulated",
    webhookSecret,
    ledger: () => ledger.entries(),
    deliveries: () => deliveries.all(),
    plan: (rules) => plan.set(checked(rules)),
    advance: (durationMs) => clock.advance(durationMs),
    reset,
    isIdle: (idleMs) => !runner.isBusy() && Date.now() - server.lastActivityAt() >= idleMs,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function forget(emulation: Emulation, webhooks: WebhookSender): void {
  const { settings, clock, plan, runner, limiter, credit } = emulation;
  const { predictions, files, ledger, deliveries } = emulation;
  webhooks.abandon();
  runner.abandon();
  plan.set([]);
  clock.reset();
  for (const part of [predictions, files, ledger, deliveries]) part.clear();
  limiter.reset();
  credit.set(settings.creditUsd);
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= action());
}

/** Types know neither the models' names nor which fault means something where. */
function checked(rules: readonly FaultRule[]): readonly FaultRule[] {
  const decoded = decodePlan(rules);
  if ("problem" in decoded) throw new TypeError(`fault plan: ${decoded.problem}`);
  return decoded.rules;
}
