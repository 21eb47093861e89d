/** What others have told a job, as mail to its owner: read from the inbox, and consumed by the append that answers it. */
import { Effect } from "effect";
import type { Fact } from "../../machines/entry.ts";
import type { InboxRow, StoreFailure } from "../journal-store.ts";
import type { JobHost } from "./job-host.ts";
import type { Mail } from "./job-sequencer.ts";

/**
 * Unread messages, oldest first. A store in trouble is waited for, nothing is lost by it. Fails with: StoreFailure
 * where the messages are damaged, or of a version that is not known here.
 */
export const unreadMail = (
  { store, committer }: Pick<JobHost, "store" | "committer">,
  jobId: string,
): Effect.Effect<ReadonlyArray<Mail>, StoreFailure> => {
  const pause = Effect.andThen(committer.whenHealthy, Effect.sleep("100 millis"));
  return store.inbox(jobId).pipe(
    Effect.tapError((failure) => (mayPass(failure) ? pause : Effect.void)),
    Effect.retry({ while: mayPass }),
    Effect.map((rows) => rows.map(mailOf)),
  );
};

const mayPass = ({ reason }: StoreFailure): boolean => reason !== "Broken";

const mailOf = ({ facts, id }: InboxRow): Mail => ({ ...mailWith(facts), consumes: id });

/** Mail that no service has sent and nobody waits for. */
export const mailWith = (facts: ReadonlyArray<Fact>): Mail => ({
  facts,
  consumes: null,
  from: null,
  reply: () => undefined,
});
