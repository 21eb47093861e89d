/** What pruning and erasing work on. */
import type { Effect } from "effect";
import type { AssetStore } from "../../steps/asset-store.ts";
import type { ForgetHolders } from "../journal-holdings.ts";
import type { TidyNotifications } from "../journal-outbox.ts";
import type { RetentionWrite } from "../journal-retention.ts";
import type { JournalStore, StoreFailure, WriteResult } from "../journal-store.ts";
import type { RetentionPolicy } from "./policy.ts";

export interface RetentionHost {
  readonly store: JournalStore["Service"];
  readonly assets: AssetStore["Service"];
  /** Refused while the store is in trouble. */
  readonly commit: (
    write: RetentionWrite | ForgetHolders | TidyNotifications,
  ) => Effect.Effect<WriteResult, StoreFailure>;
  readonly policy: RetentionPolicy;
  /** Taken between two small batches, so that nobody's job waits for this. */
  readonly pause: Effect.Effect<void>;
}
