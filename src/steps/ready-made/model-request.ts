/** What a ready-made step sends to its model: the fields that most models of its kind take, unless the user says otherwise. */
import type { ModelSettings } from "../step.ts";

/** Fields beside those that the step sets, or a function that makes the whole request of its parts. */
export type RequestOption<Parts, Fields = Readonly<Record<string, unknown>>> =
  | Fields
  | ((parts: Parts) => Record<string, unknown>);

/** The request: what the function makes, or the step's own fields with the user's in their place. Undefined ones are left out. */
export const requestFrom = <Parts>(
  option: RequestOption<Parts> | undefined,
  parts: Parts,
  own: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  typeof option === "function" ? option(parts) : { ...own, ...option };

/** The names of what can be said of any call of a model. */
export const modelSettingNames = {
  model: true,
  timeout: true,
  retry: true,
  repair: true,
  onUnknown: true,
  reuse: true,
  reuseAcrossTenants: true,
  stream: true,
} satisfies Record<keyof ModelSettings, true>;

/** The settings of an option object, without the step's own options; absent ones stay absent. */
export const settingsOf = ({
  model,
  timeout,
  retry,
  repair,
  onUnknown,
  reuse,
  reuseAcrossTenants,
  stream,
}: ModelSettings): ModelSettings => ({
  model,
  ...(timeout === undefined ? {} : { timeout }),
  ...(retry === undefined ? {} : { retry }),
  ...(repair === undefined ? {} : { repair }),
  ...(onUnknown === undefined ? {} : { onUnknown }),
  ...(reuse === undefined ? {} : { reuse }),
  ...(reuseAcrossTenants === undefined ? {} : { reuseAcrossTenants }),
  ...(stream === undefined ? {} : { stream }),
});
