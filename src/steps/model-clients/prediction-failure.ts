/** What a prediction's own error text means for a retry. Providers mix error codes and model messages in it. */
import { PolicyFailure, ProviderFailure } from "../failure.ts";

/** The provider's or the model's own filter refused the content. */
const blocked = /\bNSFW\b|safety (?:checker|filter|system)|flagged as sensitive|content policy/i;

/**
 * The same input will fail again: E1001 is out of memory; E4875 an empty webhook URL.
 * Source: replicate.com/docs/reference/error-codes, which asks for a retry of all others but E9243.
 */
const permanent = /\bE1001\b|\bE4875\b|CUDA(?: error)?:? out of memory|\bOutOfMemoryError\b/i;

/** The rule under which a provider's own filter blocks. */
const providerFilterRule = "provider-filter";

/**
 * The failure of a prediction that ended in `failed`. Blocked content is a policy, never retried; out of
 * memory is permanent; the rest, with or without an error code, may pass on another try.
 */
export const predictionFailure = (
  provider: string,
  error: string | null,
): ProviderFailure | PolicyFailure => {
  const detail = error ?? "the prediction failed without a reason";
  if (blocked.test(detail))
    return new PolicyFailure({ rule: providerFilterRule, categories: ["nsfw"] });
  const isPermanent = permanent.test(detail);
  return new ProviderFailure({
    provider,
    reason: "PredictionFailed",
    detail,
    ...(isPermanent ? { isPermanent } : {}),
  });
};
