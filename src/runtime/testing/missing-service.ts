/**
 * Whether a program died because it asked for a service that nobody gave it. Effect tells this by an
 * error without a tag; what its message says before the service's key is learnt from Effect itself.
 */
import { Cause, Context } from "effect";

/** The key of the service that was asked for and not there; undefined where the cause is another. */
export const missingServiceIn = (cause: Cause.Cause<unknown>): string | undefined =>
  cause.reasons.flatMap((reason) => {
    if (!Cause.isDieReason(reason) || !(reason.defect instanceof Error)) return [];
    const { message } = reason.defect;
    // Empty only if Effect has come to answer for services that are not there: then none is missing.
    return beforeKey !== "" && message.startsWith(beforeKey)
      ? [message.slice(beforeKey.length)]
      : [];
  })[0];

const nobodys = Context.Service<never, never>("catena-ai/testing/Nobodys");

const messageOf = (service: typeof nobodys): string => {
  try {
    // Compiles for services that are there only, and is asked for one that is not.
    Context.getUnsafe(Context.empty(), service);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
};

const beforeKey = messageOf(nobodys).replace(nobodys.key, "");
