/**
 * Looks and searches that fail are tried again for as long as it takes, and nobody's attempt is charged for
 * them: whoever runs the service reads here why a job waits, or ran out of time.
 */
import { Effect } from "effect";
import type { ProviderFailure } from "../../steps/failure.ts";
import type { ModelClient } from "../../steps/model-client.ts";
import { runningMs } from "./running-clock.ts";

/** Thousands of predictions may be looked at in vain: one line in so long (ms) speaks for all of them. */
const quietMs = 60_000;

/** The same client; what of its looks, cancels and searches fails is logged, once a minute at the most. */
export const tellingFailures = (client: ModelClient): ModelClient => {
  let saidAt = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  const tell = (what: string) => (failure: ProviderFailure) =>
    Effect.flatMap(runningMs, (now) => {
      // Nobody tries that again: it is the end of the prediction, and its job says so.
      if (failure.isPermanent === true) return Effect.void;
      if (now - saidAt < quietMs) {
        unsaid += 1;
        return Effect.void;
      }
      const others = unsaid === 0 ? "" : `, and ${unsaid} more since the last one that was told`;
      [saidAt, unsaid] = [now, 0];
      return Effect.logWarning(`${what} failed: ${failure.message}${others}; it is tried again`);
    });
  const { provider, canFind, limits } = client;
  const ended = client.ended?.bind(client);
  return {
    // Named one by one: of a client that is an instance of a class a spread has no members.
    provider,
    canFind,
    ...(limits === undefined ? {} : { limits }),
    ...(ended === undefined ? {} : { ended }),
    submit: (request) => client.submit(request),
    describe: (model) => client.describe(model),
    download: (url) => client.download(url),
    present: (file, sha256) => client.present(file, sha256),
    get: (id) => Effect.tapError(client.get(id), tell("a look at a prediction")),
    cancel: (id) => Effect.tapError(client.cancel(id), tell("the cancel of a prediction")),
    find: (createdAfter, createdBefore) =>
      Effect.tapError(
        client.find(createdAfter, createdBefore),
        tell("the search for a prediction"),
      ),
  };
};
