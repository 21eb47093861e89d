/** What can be said of every ready-made step that does something outside: how long, how often, and whether at all again. */
import { Retry, type RetryPolicy } from "../retry.ts";
import type { TimeoutInput } from "../timeout.ts";

export interface EffectSettings {
  /** Default: 10 minutes an attempt. */
  readonly timeout?: TimeoutInput;
  /** For what may pass. Default: `Retry.transient()`, and none where the step may not run again. */
  readonly retry?: RetryPolicy;
  /** False where the other side does not know our keys: then nothing is asked twice. Default: true. */
  readonly isRepeatable?: boolean;
}

export const effectSettingNames = {
  timeout: true,
  retry: true,
  isRepeatable: true,
} satisfies Record<keyof EffectSettings, true>;

/** The settings as a step takes them, with the defaults of one that has an effect outside. */
export const effectSettings = ({ timeout, retry, isRepeatable = true }: EffectSettings) => ({
  isRepeatable,
  retry: retry ?? (isRepeatable ? Retry.transient() : Retry.none),
  ...(timeout === undefined ? {} : { timeout }),
});
