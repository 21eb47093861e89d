/** What the handlers share: the emulated provider's whole state and machinery, put together in emulator.ts. */
import type { FaultPlan } from "./faults/fault-plan.ts";
import type { PredictionRunner } from "./predictions/prediction-runner.ts";
import type { Settings } from "./settings.ts";
import type { FileStore } from "./storage/file-store.ts";
import type { Ledger } from "./storage/ledger.ts";
import type { PredictionStore } from "./storage/prediction-store.ts";

export interface Emulation {
  readonly settings: Settings;
  readonly predictions: PredictionStore;
  readonly files: FileStore;
  readonly ledger: Ledger;
  readonly plan: FaultPlan;
  readonly runner: PredictionRunner;
  readonly webhookSecret: string;
  /** Aborted by stop: what waits then goes no further, because the stores are closed. */
  readonly closing: AbortSignal;
  /** Names this run of the process; the instance file carries the same. */
  readonly nonce: string;
}
