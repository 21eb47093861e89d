/** Waiting for a prediction to change: without polling, for a while, and no change between two waits is missed. */
import type { Clock } from "../clock.ts";
import type { PredictionStore } from "../storage/prediction-store.ts";

export interface Changes {
  /** True when it changed since the last wait (at once where it already has), false when the time is up or nobody waits any more. */
  readonly next: (withinMs: number) => Promise<boolean>;
  readonly close: () => void;
}

export interface Watch {
  readonly predictions: PredictionStore;
  readonly clock: Clock;
  readonly id: string;
  /** Ends every wait. */
  readonly signal: AbortSignal;
}

/** Watches from now on, until closed. */
export function watchChanges({ predictions, clock, id, signal }: Watch): Changes {
  let changed = new AbortController();
  const close = predictions.watch(id, () => changed.abort());
  const next = async (withinMs: number): Promise<boolean> => {
    await clock.sleep(withinMs, AbortSignal.any([signal, changed.signal]));
    const hasChanged = changed.signal.aborted;
    if (hasChanged) changed = new AbortController();
    return hasChanged && !signal.aborted;
  };
  return { next, close };
}
