/** The last act of erasing: what is gone from the tables leaves the files as well. */
import { Effect } from "effect";
import type { RetentionHost } from "./retention-host.ts";

/** A store whose log others are reading right now is emptied by whoever prunes or erases next. */
export const scrubLater = ({ store }: Pick<RetentionHost, "store">): Effect.Effect<void> =>
  store.scrub.pipe(
    Effect.catch((failure) =>
      Effect.logWarning("what was erased still stands in the store's log", failure),
    ),
  );
