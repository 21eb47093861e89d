/** One simulated world: its processes, what goes wrong with them, and who asks what of their jobs. */
import { Effect } from "effect";
import type { Fact } from "../../../src/machines/entry.ts";
import { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { keyOf } from "../../../src/runtime/engine.ts";
import { ProviderFailure } from "../../../src/steps/failure.ts";
import { MemoryAssets } from "../../../src/steps/asset-stores/memory.ts";
import { type Chance, makeChance } from "./chance.ts";
import { type CrashHabits, CrashPlan } from "./crash-plan.ts";
import { FaultPlan, type Operation } from "./faults.ts";
import { all, asking, drivers, repeatable, runIn, unpaid } from "./pipelines.ts";
import { Killer, killings } from "./killer.ts";
import type { Mortal } from "./mortal.ts";
import { SimulatedProcess } from "./process.ts";
import { SimulatedProvider, usdPerSecond } from "./provider.ts";
import { Rules } from "./rules.ts";
import { SignalSenders } from "./signal-senders.ts";
import type { Surroundings } from "./surroundings.ts";
import { Timeline } from "./timeline.ts";

/** What a world is exposed to, beside crashes. */
export interface WorldKind extends CrashHabits {
  readonly faults: number;
  /** Cancel, pause, resume and retry at random instants, and an operator who answers questions. */
  readonly isCommanded: boolean;
  /** By how much (ms) the clocks of two processes, or of one machine before and after a restart, differ. */
  readonly maxSkewMs: number;
  /** How late (ms) the provider may show a prediction in its listing; past the grace, doubles are possible. */
  readonly maxListLagMs: number;
  /** Where the faults are; anywhere if nothing is said. */
  readonly faultyOperations?: ReadonlyArray<Operation>;
  /** What a day may cost, as often as one call may cost at the most; jobs may fail for want of it. Default: what it will. */
  readonly callsADay?: number;
  /** The first job kills every process, in one and the same place. Default: none does. */
  readonly hasKiller?: boolean;
  /** Within this time (ms) the world must be at rest. */
  readonly limitMs: number;
}

/** All of a world after it has come to rest, or has failed to. */
export interface Aftermath {
  readonly isAtRest: boolean;
  readonly reports: ReadonlyArray<string>;
  readonly submitted: ReadonlySet<string>;
  readonly journals: MemoryJournals;
  readonly provider: SimulatedProvider;
  readonly log: ReadonlyArray<string>;
  /** Signals that were acknowledged and are not what their jobs received. */
  readonly mistold: ReadonlyArray<string>;
  /** How many processes the killer has taken down. */
  readonly kills: number;
}

/** What a call may cost at the most: its timeout at the provider's price. */
const callMicros = 40 * usdPerSecond * 1e6;

const commands = [
  "CancelRequested",
  "PauseRequested",
  "ResumeRequested",
  "RetryRequested",
] as const;

export const runWorld = (seed: number, kind: WorldKind): Aftermath => {
  const world = new World(makeChance(seed), kind);
  try {
    return world.run();
  } finally {
    runIn(null);
  }
};

/** Paid work looks for what it lost in a window of time: there the clocks may differ by seconds, not hours. */
const plansOf = ({ isCommanded, maxSkewMs }: WorldKind) => {
  if (maxSkewMs > 30_000) return unpaid;
  return isCommanded ? all : repeatable;
};

interface Ordered {
  readonly idempotencyKey: string;
  readonly pipeline: string;
  readonly input: { readonly topic: string; readonly text: string; readonly from: string };
  isAcknowledged: boolean;
}

class World {
  readonly #chance: Chance;
  readonly #kind: WorldKind;
  readonly #timeline: Timeline;
  readonly #journals = new MemoryJournals();
  readonly #provider: SimulatedProvider;
  readonly #rules: Rules;
  readonly #around: Surroundings;
  readonly #crashes: CrashPlan;
  readonly #processes: Array<SimulatedProcess> = [];
  readonly #orders: ReadonlyArray<Ordered>;
  readonly #log: Array<string> = [];
  readonly #senders: SignalSenders;
  readonly #killer: Killer;
  /** From then on nothing goes wrong any more and questions are answered. */
  readonly #calmAt: number;

  constructor(chance: Chance, kind: WorldKind) {
    this.#chance = chance;
    this.#kind = kind;
    this.#timeline = new Timeline(chance, chance.isTrue(0.5));
    this.#calmAt = this.#timeline.now + 60_000;
    this.#provider = new SimulatedProvider(this.#timeline, chance, {
      showsKeys: chance.pick(["everywhere", "singly", "never"]),
      maxListLagMs: chance.pick([0, kind.maxListLagMs / 2, kind.maxListLagMs]),
      maxRunMs: chance.pick([50, 3_000, 12_000]),
    });
    this.#rules = new Rules({ journals: this.#journals, timeline: this.#timeline, drivers });
    this.#crashes = new CrashPlan(chance, kind);
    this.#senders = new SignalSenders({
      timeline: this.#timeline,
      chance,
      journals: this.#journals,
      alive: () => this.#alive(),
      note: (line) => {
        this.#note(line);
      },
    });
    this.#killer = new Killer(
      this.#journals,
      kind.hasKiller === true ? chance.pick(killings) : null,
    );
    const plans = plansOf(kind);
    this.#orders = Array.from({ length: chance.between(1, 4) }, (_, index) => {
      const text = chance.pick(["tea", "tea", "rope"]);
      return {
        idempotencyKey: `order-${index}`,
        pipeline: keyOf(chance.pick(plans)),
        input: { topic: text, text, from: "order" },
        isAcknowledged: false,
      };
    });
    this.#around = {
      timeline: this.#timeline,
      chance,
      provider: this.#provider,
      journals: this.#journals,
      assets: MemoryAssets.make(),
      faults: new FaultPlan(chance, {
        count: kind.faults === 0 ? 0 : chance.between(1, kind.faults),
        operations: kind.faultyOperations,
      }),
      rules: this.#rules,
      killer: this.#killer,
      // A machine takes longer to compile than a job to run: only those that are asked for.
      plans: plans.filter((plan) => this.#orders.some(({ pipeline }) => pipeline === keyOf(plan))),
      concurrency: chance.pick([1, 2, 10]),
      budgets:
        kind.callsADay === undefined ? undefined : { dayMicros: kind.callsADay * callMicros },
      endAt: (point) => {
        const end = this.#crashes.endAt(point);
        if (end !== undefined) this.#note(`${end.type} at ${point}`);
        return end;
      },
      onEnd: (process, end) => {
        this.#onEnd(process, end);
      },
    };
  }

  run(): Aftermath {
    runIn({
      parse: (output) => {
        this.#parse(output);
      },
      step: (context, isRepeatable) => this.#step(context, isRepeatable),
    });
    for (let count = this.#chance.between(1, 2); count > 0; count -= 1) this.#startProcess();
    for (const order of this.#orders)
      this.#timeline.after(this.#chance.between(0, 5_000), () => {
        this.#submit(order);
      });
    this.#planInstantEnd();
    if (this.#kind.isCommanded) this.#planCommands();
    const isAtRest = this.#timeline.runUntil(() => this.#isAtRest(), this.#kind.limitMs);
    return {
      isAtRest,
      reports: this.#rules.reports,
      submitted: this.#rules.submitted,
      journals: this.#journals,
      provider: this.#provider,
      log: this.#log,
      mistold: this.#senders.violations(),
      kills: this.#killer.kills,
    };
  }

  #isAtRest(): boolean {
    if (this.#rules.reports.length > 0) return true;
    const { openKeys, unread, owned, files } = this.#journals;
    if (openKeys.size > 0 || unread.size > 0 || owned.size > 0) return false;
    if (this.#kind.isCommanded && this.#timeline.now < this.#calmAt) return false;
    if (this.#provider.unbooked(this.#journals.predictions.values()).length > 0) return false;
    return (
      this.#orders.every(({ isAcknowledged }) => isAcknowledged) &&
      this.#processes.every(({ lane }) => !lane.isFrozen) &&
      [...files.values()].every(({ job: { record } }) => this.#isEnd(record.status))
    );
  }

  #isEnd(status: string): boolean {
    if (status === "complete" || status === "cancelled") return true;
    return status === "failed" && !this.#kind.isCommanded;
  }

  // --- processes

  /** One more end, at an instant that is no crash point. */
  #planInstantEnd(): void {
    const { between, isTrue } = this.#chance;
    if (!this.#crashes.hasRoom || isTrue(0.5)) return;
    this.#timeline.after(between(0, 30_000), () => {
      const end = this.#crashes.anyEnd();
      const process = this.#alive();
      this.#note(`${end.type} of ${process?.name ?? "nobody"}, out of nothing`);
      process?.end(end);
    });
  }

  #startProcess(): void {
    const process = new SimulatedProcess(this.#around, {
      name: `process-${this.#processes.length + 1}`,
      skewMs: this.#chance.between(-this.#kind.maxSkewMs, this.#kind.maxSkewMs),
    });
    this.#processes.push(process);
    this.#note(`${process.name} starts`);
    process.start();
  }

  #onEnd(process: Mortal, end: string): void {
    this.#note(`${process.name}: ${end}`);
    // A frozen process that is killed later has been replaced already.
    if (process.isStale && end !== "freeze") return;
    const { isTrue, between } = this.#chance;
    // Now and then nobody comes back until every deadline has passed.
    const downMs = isTrue(0.85) ? between(0, 4_000) : between(50_000, 90_000);
    this.#timeline.after(downMs, () => {
      this.#startProcess();
    });
  }

  #alive(): SimulatedProcess | undefined {
    const alive = this.#processes.filter(({ engine }) => engine !== null);
    return alive.length === 0 ? undefined : this.#chance.pick(alive);
  }

  // --- users and operators

  /** A client that got no answer asks again under the same key. */
  #submit(order: Ordered): void {
    if (order.isAcknowledged) return;
    this.#timeline.after(4_000, () => {
      this.#submit(order);
    });
    const process = this.#alive();
    const deployed = process?.engine?.deployed.get(order.pipeline);
    if (process?.engine == null || deployed === undefined) return;
    const { input, idempotencyKey } = order;
    const submitted = process.engine.jobs.submit({ deployed, input, idempotencyKey });
    const acknowledged = Effect.map(submitted, ({ jobId }) => {
      if (!order.isAcknowledged && order.pipeline === asking.pipeline) this.#senders.ask(jobId);
      order.isAcknowledged = true;
      this.#rules.submitted.add(jobId);
      this.#note(`${order.pipeline} is ${jobId}`);
    });
    process.run(Effect.ignore(acknowledged));
  }

  #planCommands(): void {
    const { between, pick, isTrue } = this.#chance;
    for (let count = between(0, 6); count > 0; count -= 1) {
      const type = pick(commands);
      this.#timeline.after(between(0, 25_000), () => {
        const jobs = [...this.#rules.submitted];
        if (jobs.length === 0) return;
        this.#tell(pick(jobs), type);
      });
    }
    const answerQuestions = () => {
      this.#timeline.after(between(5_000, 20_000), answerQuestions);
      for (const { job } of this.#journals.files.values()) {
        const { record, owner } = job;
        if (record.detail === "paused") this.#tell(record.jobId, "ResumeRequested");
        const isAsking = record.waiting?.waitingFor === "a decision";
        // A failed job is asked for again once it has been let go.
        if (isAsking || (record.status === "failed" && (owner === null || isTrue(0.3))))
          this.#tell(record.jobId, "RetryRequested");
      }
    };
    this.#timeline.after(this.#calmAt - this.#timeline.now, answerQuestions);
  }

  #tell(jobId: string, type: (typeof commands)[number]): void {
    const process = this.#alive();
    const record = this.#journals.files.get(jobId)?.job.record;
    if (process?.engine == null || record === undefined) return;
    // The public API refuses what a job that has not begun has no use for.
    if (record.status === "pending" && type !== "CancelRequested") return;
    const by = "operator";
    const isFresh = this.#chance.isTrue(0.3);
    const fact: Fact = type === "RetryRequested" ? { type, by, isFresh } : { type, by };
    this.#note(`${type} for ${jobId} through ${process.name}`);
    process.run(Effect.ignore(process.engine.jobs.post(jobId, fact)));
  }

  // --- what the steps' functions do

  #parse(output: unknown): void {
    const from = typeof output === "string" ? /"from":"(p\d+)"/.exec(output)?.[1] : undefined;
    if (from === undefined) return;
    this.#rules.parse(from);
    if (this.#killer.strikes("parse", { predictionId: from }))
      this.#performing()?.end({ type: "kill" });
  }

  #performing(): SimulatedProcess | undefined {
    return this.#processes.find(({ lane }) => lane === this.#timeline.performing);
  }

  #step(
    { key, attempt }: { readonly key: string; readonly attempt: number },
    isRepeatable: boolean,
  ): Effect.Effect<void, ProviderFailure> {
    const process = this.#performing();
    if (process === undefined) return Effect.die(new Error("a step runs outside every process"));
    return Effect.gen({ self: this }, function* () {
      yield* process.passes("step:before");
      this.#rules.step(process, { key, attempt, isRepeatable });
      const done = this.#rules.atWork(process, key.split("/")[0] ?? "");
      yield* Effect.sleep(this.#chance.isTrue(0.5) ? 0 : this.#chance.between(1, 2_000));
      if (this.#killer.strikes("step", { jobId: key.split("/")[0] })) process.end({ type: "kill" });
      yield* process.passes("step:after");
      done();
      if (this.#around.faults.next("step") === undefined) return;
      const detail = "planned by the simulation";
      yield* new ProviderFailure({ reason: "Unavailable", provider: "step", detail });
    });
  }

  #note(line: string): void {
    this.#log.push(`${this.#timeline.now % 10_000_000} ${line}`);
  }
}
