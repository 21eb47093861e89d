/** The user's limits, checked at the start: one that nothing can pass would stop every job without a word. */
import { positiveInteger, refuseStrangers, StartError } from "../options.ts";
import type { LimitOptions, LimitsByProvider, ProviderLimitOptions } from "./limit-options.ts";

const names: ReadonlyArray<string> = Object.keys({
  concurrency: true,
  createsPerMinute: true,
  burst: true,
} satisfies Record<keyof LimitOptions, true>);

/** Throws StartError that names the field; a provider that is none of the configured clients' is refused. */
export const limitSettings = (
  limits: LimitsByProvider | undefined,
  providers: ReadonlyArray<string>,
): LimitsByProvider => {
  if (limits === undefined) return {};
  checkObject("limits", limits);
  // Without any client nobody is asked; a configuration is looked at without its clients' keys as well.
  if (providers.length > 0) refuseStrangers("limits", limits, providers);
  for (const [provider, given] of Object.entries(limits))
    checkProvider(`limits.${provider}`, given);
  return limits;
};

const checkProvider = (field: string, given: ProviderLimitOptions): void => {
  checkLimits(field, given, [...names, "models"]);
  if (given.models === undefined) return;
  checkObject(`${field}.models`, given.models);
  for (const [model, limits] of Object.entries(given.models))
    checkLimits(`${field}.models.${model}`, limits, names);
};

const checkLimits = (field: string, given: LimitOptions, known: ReadonlyArray<string>): void => {
  checkObject(field, given);
  refuseStrangers(field, given, known);
  positiveInteger(`${field}.concurrency`, given.concurrency, 1);
  positive(`${field}.createsPerMinute`, given.createsPerMinute);
  // Less than one would never let anything pass.
  if (given.burst !== undefined && !(given.burst >= 1 && Number.isFinite(given.burst)))
    throw new StartError(`${field}.burst`, "a number, 1 or more", given.burst);
};

const positive = (field: string, value: number | undefined): void => {
  if (value !== undefined && !(value > 0 && Number.isFinite(value)))
    throw new StartError(field, "a number above zero", value);
};

const checkObject = (field: string, value: unknown): void => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new StartError(field, "an object of limits", value);
};
