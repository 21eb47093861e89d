/** The stores of a project as retention works on them, beside whoever runs their jobs. */
import { Effect } from "effect";
import type { JournalStore, Write } from "../journal-store.ts";
import { openAssets, openStore } from "../open-stores.ts";
import type { RetentionPolicy } from "../retention/policy.ts";
import type { ConfigOptions } from "./config-file.ts";
import { requireStore } from "./project.ts";

export const openRetention = Effect.fnUntraced(function* (
  options: ConfigOptions,
  policy: RetentionPolicy,
) {
  yield* requireStore(options.store);
  const store = yield* openStore(options);
  const assets = yield* openAssets(options);
  return { store, assets, policy, commit: commitTo(store), pause: Effect.void };
});

const commitTo = (store: JournalStore["Service"]) => (write: Write) =>
  Effect.flatMap(store.commit([write]), ([result]) =>
    result === undefined ? Effect.die("the store lost a result") : Effect.succeed(result),
  );
