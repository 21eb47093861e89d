/** What an emulator keeps: clock and stores, in a state directory or in memory, and the account's secret. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Clock } from "../clock.ts";
import type { Settings } from "../settings.ts";
import { FileStore } from "./file-store.ts";
import { Ledger } from "./ledger.ts";
import { PredictionStore } from "./prediction-store.ts";
import { openRecordLog } from "./record-log.ts";
import { Retention } from "./retention.ts";

export interface State {
  /** With the emulated time as `now`. */
  readonly settings: Settings;
  readonly clock: Clock;
  readonly predictions: PredictionStore;
  readonly files: FileStore;
  readonly retention: Retention;
  readonly ledger: Ledger;
}

/** Opens what an earlier process left; nothing without a directory. */
export function openState(
  stateDirectory: string | undefined,
  given: Settings,
  closing: AbortSignal,
): State {
  if (stateDirectory !== undefined) mkdirSync(stateDirectory, { recursive: true });
  const log = (name: string) =>
    openRecordLog(stateDirectory === undefined ? undefined : join(stateDirectory, name));
  const clock = new Clock(given.now);
  const settings = { ...given, now: () => clock.now() };
  const ledger = new Ledger(log("ledger.jsonl"));
  const predictions = new PredictionStore(log("predictions.jsonl"), ledger);
  const files = new FileStore(stateDirectory);
  const retention = new Retention({ settings, clock, files, closing });
  return { settings, clock, predictions, files, retention, ledger };
}

/** Ends what waits and closes the logs; nothing is stored any more. */
export function closeStores({ predictions, files, ledger }: State, closing: AbortController): void {
  closing.abort();
  for (const store of [predictions, files, ledger]) store.close();
}

/** One secret an account; it stays the same over restarts. */
export function keptSecret(stateDirectory: string | undefined): string {
  const path = stateDirectory === undefined ? undefined : join(stateDirectory, "webhook-secret");
  if (path !== undefined && existsSync(path)) return readFileSync(path, "utf8");
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  if (path !== undefined) writeFileSync(path, secret, { mode: 0o600 });
  return secret;
}
