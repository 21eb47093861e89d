/** What the handlers share: the emulated provider's whole state and machinery, put together in emulator.ts. */
import type { Clock } from "./clock.ts";
import type { Credit } from "./credit.ts";
import type { FaultPlan } from "./faults/fault-plan.ts";
import type { RateLimiter } from "./http/rate-limiter.ts";
import type { PredictionRunner } from "./predictions/prediction-runner.ts";
import type { Settings } from "./settings.ts";
import type { FileStore } from "./storage/file-store.ts";
import type { Ledger } from "./storage/ledger.ts";
import type { PredictionStore } from "./storage/prediction-store.ts";
import type { Retention } from "./storage/retention.ts";
import type { DeliveryLog } from "./webhooks/delivery-log.ts";

export interface Emulation {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly predictions: PredictionStore;
  readonly files: FileStore;
  readonly retention: Retention;
  readonly ledger: Ledger;
  readonly plan: FaultPlan;
  readonly limiter: RateLimiter;
  readonly credit: Credit;
  readonly runner: PredictionRunner;
  readonly deliveries: DeliveryLog;
  readonly webhookSecret: string;
  /** Aborted by stop: what waits then goes no further, because the stores are closed. */
  readonly closing: AbortSignal;
  /** Names this run of the process; the instance file carries the same. */
  readonly nonce: string;
  /** Forgets everything that was ever done here, on disk too; settings and secret stay. */
  readonly reset: () => void;
}
