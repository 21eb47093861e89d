/** A job as one of its services sees it: what it may read, say and wait for. */
import { Effect, Option, Schedule } from "effect";
import type { JobContext } from "../../machines/context.ts";
import type { Entry, EntryOf, Fact } from "../../machines/entry.ts";
import type { ServiceJob } from "./job-host.ts";
import type { Mail } from "./job-sequencer.ts";
import type { KeptEntries } from "./kept-entries.ts";

type Claim = (context: JobContext) => boolean;

/** Who waits until the committed context satisfies a claim. */
export class ContextWaiters {
  #waiting: Array<{ readonly claim: Claim; readonly resume: () => void }> = [];

  until(context: () => JobContext, claim: Claim): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      if (claim(context())) {
        resume(Effect.void);
        return;
      }
      const waiter = {
        claim,
        resume: () => {
          resume(Effect.void);
        },
      };
      this.#waiting.push(waiter);
      return Effect.sync(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter);
      });
    });
  }

  wake(context: JobContext): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter(({ claim }) => claim(context));
    this.#waiting = this.#waiting.filter((waiter) => !due.includes(waiter));
    for (const { resume } of due) resume();
  }
}

interface Surroundings extends Pick<ServiceJob, "jobId" | "deployed" | "host" | "context"> {
  readonly kept: KeptEntries;
  readonly waiters: ContextWaiters;
  /** Without a `reply` nobody waits for the facts. */
  readonly post: (facts: ReadonlyArray<Fact>, reply?: Mail["reply"], isDue?: Mail["isDue"]) => void;
  /** The last words of a service that has ended were refused. */
  readonly onRefused: (error: Error) => void;
}

export const makeServiceJob = (around: Surroundings): ServiceJob => {
  const { jobId, deployed, host, context, waiters, post } = around;
  return {
    jobId,
    deployed,
    host,
    context,
    enqueue: (...facts) => {
      post(facts);
    },
    append: (...facts) =>
      Effect.callback((resume) => {
        // A stopped service gets no answer: it is being interrupted.
        post(facts, (answer) => {
          resume(answer === "appended" ? Effect.void : Effect.die(refused(facts)));
        });
      }),
    conclude: (...facts) => {
      post(facts, (answer) => {
        if (answer === "refused") around.onRefused(refused(facts));
      });
    },
    appendWhile: (claim, ...facts) =>
      Effect.callback((resume) => {
        const answered: Mail["reply"] = (answer) => {
          resume(answer === "refused" ? Effect.die(refused(facts)) : Effect.void);
        };
        post(facts, answered, claim);
      }),
    intend: (fact) =>
      Effect.callback((resume) => {
        const answered: Mail["reply"] = (answer) => {
          if (typeof answer === "object") resume(Effect.fail(answer));
          else resume(answer === "refused" ? Effect.die(refused([fact])) : Effect.void);
        };
        post([fact], answered, ({ isPaused }) => !isPaused);
      }),
    until: (claim) => waiters.until(context, claim),
    entry: (seq, ...types) => entryAt(around, seq, types),
  };
};

const refused = (facts: ReadonlyArray<Fact>): Error =>
  new Error(`the machine refused ${facts.map(({ type }) => type).join(", ")}`);

const entryAt = <Type extends Entry["type"]>(
  { kept, host, jobId }: Surroundings,
  seq: number,
  types: ReadonlyArray<Type>,
): Effect.Effect<EntryOf<Type>> => {
  const isOfType = (entry: Entry): entry is EntryOf<Type> =>
    types.some((type) => entry.type === type);
  const known = kept.get(seq);
  if (known !== undefined && isOfType(known)) return Effect.succeed(known);
  // A store that cannot be read for a while is no failure of the step.
  const read = Effect.retry(
    Effect.suspend(() => host.store.entry(jobId, seq)),
    { schedule: Schedule.spaced("100 millis"), while: ({ reason }) => reason !== "Broken" },
  );
  return Effect.flatMap(Effect.orDie(read), (stored) =>
    Option.isSome(stored) && isOfType(stored.value)
      ? Effect.succeed(stored.value)
      : Effect.die(new Error(`entry ${seq} of job ${jobId} is not a ${types.join(" or ")}`)),
  );
};
