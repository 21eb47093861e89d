/** A job as one of its services sees it: what it may read, say and wait for. */
import { Effect, Option, Schedule } from "effect";
import type { JobContext } from "../../machines/context.ts";
import type { Entry, EntryOf, Fact, FactOf } from "../../machines/entry.ts";
import type { OverBudget } from "../journal-spending.ts";
import type { Deployed, JobHost, ServiceJob } from "./job-host.ts";
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

/** What all services of one job share. */
export interface Surroundings extends Pick<ServiceJob, "jobId" | "deployed" | "host" | "context"> {
  readonly kept: KeptEntries;
  readonly waiters: ContextWaiters;
}

/** How one service of it speaks. */
export interface Speech {
  /** Without a `reply` nobody waits for the facts. */
  readonly post: (facts: ReadonlyArray<Fact>, reply?: Mail["reply"], isDue?: Mail["isDue"]) => void;
  /** The last words of a service that has ended were refused. */
  readonly onRefused: (error: Error) => void;
}

/** A class, and not an object of functions: one is made for every service that is started. */
export class JobOfService implements ServiceJob {
  readonly jobId: string;
  readonly deployed: Deployed;
  readonly host: JobHost;
  readonly context: () => JobContext;
  readonly #around: Surroundings;
  readonly #speech: Speech;

  constructor(around: Surroundings, speech: Speech) {
    this.jobId = around.jobId;
    this.deployed = around.deployed;
    this.host = around.host;
    this.context = around.context;
    this.#around = around;
    this.#speech = speech;
  }

  enqueue(...facts: ReadonlyArray<Fact>): void {
    this.#speech.post(facts);
  }

  append(...facts: ReadonlyArray<Fact>): Effect.Effect<void> {
    return Effect.callback((resume) => {
      // A stopped service gets no answer: it is being interrupted.
      this.#speech.post(facts, (answer) => {
        resume(answer === "appended" ? Effect.void : Effect.die(refused(facts)));
      });
    });
  }

  conclude(...facts: ReadonlyArray<Fact>): void {
    this.#speech.post(facts, (answer) => {
      if (answer === "refused") this.#speech.onRefused(refused(facts));
    });
  }

  appendWhile(claim: Claim, ...facts: ReadonlyArray<Fact>): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const answered: Mail["reply"] = (answer) => {
        resume(answer === "refused" ? Effect.die(refused(facts)) : Effect.void);
      };
      this.#speech.post(facts, answered, claim);
    });
  }

  intend(fact: FactOf<"PredictionIntended">): Effect.Effect<void, OverBudget> {
    return Effect.callback((resume) => {
      const answered: Mail["reply"] = (answer) => {
        if (typeof answer === "object") resume(Effect.fail(answer));
        else resume(answer === "refused" ? Effect.die(refused([fact])) : Effect.void);
      };
      this.#speech.post([fact], answered, ({ isPaused }) => !isPaused);
    });
  }

  until(claim: Claim): Effect.Effect<void> {
    return this.#around.waiters.until(this.context, claim);
  }

  entry<Type extends Entry["type"]>(
    seq: number,
    ...types: ReadonlyArray<Type>
  ): Effect.Effect<EntryOf<Type>> {
    return entryAt(this.#around, seq, types);
  }
}

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
