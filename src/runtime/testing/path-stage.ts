/**
 * What one path is played on: virtual time, journals in memory, a provider and run steps whose every
 * answer the path decides, one job, and one process at a time, which can die and be started again.
 */
import { Effect, type Schema } from "effect";
import type { JobDriver } from "../../machines/advance.ts";
import type { Fact } from "../../machines/entry.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import { MemoryJournals } from "../journal-stores/memory.ts";
import type { StateRecord } from "../journal-store.ts";
import type { StepAnswers } from "./generated.ts";
import { isMute } from "./mute-record.ts";
import { RunGates } from "./run-gates.ts";
import { assetsWithSample } from "./sample-file.ts";
import { ScriptedProvider } from "./scripted-provider.ts";
import type { Substitutes } from "./substitutes.ts";
import {
  type ProcessId,
  startProcess,
  type Surroundings,
  type TestProcess,
} from "./test-process.ts";
import { VirtualTime } from "./virtual-time.ts";
import { jobId, WatchedJob } from "./watched-job.ts";

/** What all paths of a suite have in common. */
export interface PathSetting {
  readonly plan: PipelinePlan;
  /** What the jobs run on: one for all processes, which share no state through it. */
  readonly driver: JobDriver;
  readonly answers: ReadonlyMap<string, StepAnswers>;
  readonly input: Schema.Json;
  readonly seed: number;
  readonly layer: Surroundings["layer"];
  readonly substitutes: Substitutes;
}

/** Enough for every job of a path to run at once. */
const enoughSlots = 10;

export class PathStage {
  readonly time = new VirtualTime();
  readonly journals = new MemoryJournals();
  readonly provider = new ScriptedProvider("scripted", this.time.now);
  readonly gates: RunGates;
  readonly job: WatchedJob;
  /** Records that were committed and do not say what their job waits for. */
  readonly mute: Array<StateRecord> = [];
  readonly #setting: PathSetting;
  readonly #surroundings: Surroundings;
  #process: TestProcess | undefined;
  #isDead = false;

  constructor(setting: PathSetting) {
    const { time, journals, provider } = this;
    const { plan, seed, layer } = setting;
    this.#setting = setting;
    this.gates = new RunGates(time, setting);
    this.job = new WatchedJob({ plan, time, journals, provider });
    let keys = 0;
    const identifiers = {
      jobId: Effect.succeed(jobId),
      key: Effect.sync(() => `key-${(keys += 1)}`),
    };
    const assets = assetsWithSample();
    const onRecord = (record: StateRecord) => {
      if (isMute(record)) this.mute.push(record);
    };
    this.#surroundings = { time, journals, assets, provider, identifiers, seed, layer, onRecord };
  }

  // --- the process

  /** Starts a process; without slots it takes the job up, and lets it wait. */
  async start(slots: number = enoughSlots): Promise<void> {
    const { plan, driver } = this.#setting;
    this.#process = await startProcess(this.#surroundings, {
      plans: (process: ProcessId) => [this.gates.guarded(plan, process)],
      concurrency: slots,
      driverOf: () => driver,
    });
  }

  /** Stops it in good order. */
  async stop(): Promise<void> {
    await this.#alive.stop();
  }

  /** As SIGKILL would. `isCreated`: whether creates that were on their way arrived. */
  kill(isCreated: boolean): void {
    this.#isDead = true;
    this.#alive.kill(isCreated);
  }

  /** Starts another where the last one was killed. */
  async revive(slots?: number): Promise<void> {
    if (!this.#isDead) return;
    this.#isDead = false;
    await this.start(slots);
  }

  /** The path is over. */
  letGo(): void {
    this.#process?.kill(false);
  }

  get #alive(): TestProcess {
    if (this.#process === undefined) throw new Error("no process runs");
    return this.#process;
  }

  // --- its job

  async submit(): Promise<void> {
    const { engine, run } = this.#alive;
    const [deployed] = engine.deployed.values();
    if (deployed === undefined) throw new Error("no pipeline is deployed");
    const { input } = this.#setting;
    await run(engine.jobs.submit({ deployed, input, idempotencyKey: null }));
  }

  /** Tells the job, in whichever process is alive by then. */
  post(fact: Fact): Effect.Effect<void> {
    return Effect.orDie(Effect.suspend(() => this.#alive.engine.jobs.post(jobId, fact)));
  }

  /** Tells the job; what was said is durable afterwards, and not yet read. */
  async say(fact: Fact): Promise<void> {
    await this.#alive.run(this.post(fact));
  }

  /** Returns once the job has read all that it was told. */
  async heard(): Promise<void> {
    const hasHeard = await this.job.until(() => this.job.hasReadAll());
    if (!hasHeard) throw new Error("a message to the job is not read");
  }
}
