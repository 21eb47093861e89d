/**
 * One path against the real runtime: an engine in virtual time over memory journals, a provider and run
 * steps whose every answer the path decides, and processes that die. After each move the job must stand
 * where the path says, and at the end the journal and the ledger must keep every promise.
 */
import { Effect } from "effect";
import type { JobDriver } from "../../machines/advance.ts";
import type { Entry, Fact } from "../../machines/entry.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import type { PlannedMove, PlannedPath } from "../../machines/paths.ts";
import type { Act } from "../../machines/paths/act.ts";
import { isOutcome } from "../../machines/paths/moves.ts";
import { detailAt, isSamePoint, type Point, showPoint } from "../../machines/paths/point.ts";
import { MemoryJournals } from "../journal-stores/memory.ts";
import type { Schema } from "effect";
import { MemoryAssets } from "../../steps/asset-stores/memory.ts";
import type { StepAnswers } from "./generated.ts";
import { problemsOf } from "./invariants.ts";
import { answerFor, endPrediction } from "./path-answers.ts";
import { RunGates } from "./run-gates.ts";
import { ScriptedProvider } from "./scripted-provider.ts";
import {
  type ProcessId,
  startProcess,
  type Surroundings,
  type TestProcess,
} from "./test-process.ts";
import { VirtualTime } from "./virtual-time.ts";
import { jobId, WatchedJob } from "./watched-job.ts";

export interface PathSetting {
  readonly plan: PipelinePlan;
  readonly driver: JobDriver;
  readonly driverOf: ((plan: PipelinePlan) => JobDriver) | undefined;
  readonly answers: ReadonlyMap<string, StepAnswers>;
  readonly input: Schema.Json;
  readonly seed: number;
  readonly layer: Surroundings["layer"];
  /** Steps that are replaced by their generated outputs. */
  readonly isReplaced: (path: string) => boolean;
}

/** A path did not go as it must. The message names the path, the seed, the move, and the journal. */
export class PathFailure extends Error {
  override readonly name = "PathFailure";
}

/** Runs the path; answers the job's journal. Rejects with: PathFailure. */
export const runPath = async (
  setting: PathSetting,
  path: PlannedPath,
): Promise<ReadonlyArray<Entry>> => {
  const run = new PathRun(setting, path);
  try {
    return await run.toItsEnd();
  } finally {
    run.letGo();
  }
};

class PathRun {
  readonly #setting: PathSetting;
  readonly #path: PlannedPath;
  readonly #time = new VirtualTime();
  readonly #journals = new MemoryJournals();
  readonly #provider = new ScriptedProvider("scripted", this.#time.now);
  readonly #gates: RunGates;
  readonly #surroundings: Surroundings;
  readonly #job: WatchedJob;
  #process: TestProcess | undefined;
  #done: Array<string> = [];

  constructor(setting: PathSetting, path: PlannedPath) {
    this.#setting = setting;
    this.#path = path;
    let keys = 0;
    this.#gates = new RunGates(this.#time, setting);
    const [time, journals, provider] = [this.#time, this.#journals, this.#provider];
    this.#job = new WatchedJob({ plan: setting.plan, time, journals, provider });
    this.#surroundings = {
      time: this.#time,
      journals: this.#journals,
      assets: MemoryAssets.make(),
      provider: this.#provider,
      identifiers: {
        jobId: Effect.succeed(jobId),
        key: Effect.sync(() => `key-${(keys += 1)}`),
      },
      seed: setting.seed,
      layer: setting.layer,
    };
  }

  async toItsEnd(): Promise<ReadonlyArray<Entry>> {
    await this.#start(this.#path.isQueued ? 0 : slots);
    await this.#submit();
    for (const planned of this.#path.moves) {
      await this.#reach(planned.from);
      await this.#play(planned);
      this.#done.push(planned.move.name || "goes on");
    }
    const last = this.#path.moves.at(-1);
    if (last !== undefined && last.to !== null) await this.#reach(last.to);
    await this.#drain();
    this.#check();
    return this.#job.entries();
  }

  letGo(): void {
    this.#process?.kill(false);
  }

  // --- the process and its job

  async #start(concurrency: number): Promise<void> {
    const { plan, driverOf } = this.#setting;
    const plans = (process: ProcessId) => [this.#gates.guarded(plan, process)];
    this.#process = await startProcess(this.#surroundings, { plans, concurrency, driverOf });
  }

  get #alive(): TestProcess {
    if (this.#process === undefined) throw new Error("no process runs");
    return this.#process;
  }

  async #submit(): Promise<void> {
    const { engine, run } = this.#alive;
    const [deployed] = engine.deployed.values();
    if (deployed === undefined) throw new Error("no pipeline is deployed");
    const { input } = this.#setting;
    await run(engine.jobs.submit({ deployed, input, idempotencyKey: null }));
  }

  #post(fact: Fact): Effect.Effect<void> {
    return Effect.orDie(Effect.suspend(() => this.#alive.engine.jobs.post(jobId, fact)));
  }

  // --- where the job must stand

  async #reach(point: Point): Promise<void> {
    const isThere = await this.#job.until(() => isSamePoint(this.#job.point(), point));
    if (!isThere)
      this.#fail(`expected ${showPoint(point)}, stands at ${showPoint(this.#job.point())}`);
    const expected = detailAt(point.place);
    const record = this.#job.record();
    const isShown = expected === undefined || record?.detail === expected;
    if (!isShown)
      this.#fail(
        `expected the record to show ${expected} at ${showPoint(point)}, got ${record?.detail}`,
      );
  }
  // --- what happens

  async #play({ move, from }: PlannedMove): Promise<void> {
    if (move.isRace) await this.#race(move.acts, from);
    else for (const act of move.acts) await this.#alone(act);
  }

  /** One thing, and the job has heard of it. */
  async #alone(act: Act): Promise<void> {
    if (act.do === "start") {
      await this.#alive.stop();
      return this.#start(slots);
    }
    if (act.do === "crash") {
      this.#alive.kill(act.isCreated);
      return this.#start(this.#path.isQueued && this.#job.point().place === "queued" ? 0 : slots);
    }
    const fact = factOf(act);
    if (fact === undefined) return this.#result(act);
    await this.#say(fact);
    await this.#heard();
  }

  async #say(fact: Fact): Promise<void> {
    await this.#alive.run(this.#post(fact));
  }

  async #heard(): Promise<void> {
    const hasHeard = await this.#job.until(() => this.#job.hasReadAll());
    if (!hasHeard) this.#fail("a message to the job is not read");
  }

  /** Two things at the same tick; a pause is resumed once the other has come to something. */
  async #race(acts: ReadonlyArray<Act>, from: Point): Promise<void> {
    const [first, second] = acts;
    if (first === undefined || second === undefined) return;
    const word = wordIn(first, second);
    const isResult = isOutcome(first) || isOutcome(second);
    if (isResult && (from.place === "waiting" || from.place === "unknown"))
      await this.#atEncounter(isOutcome(first) ? first : second, word, isOutcome(first));
    else if (isResult && from.place === "backingOff") await this.#atTimer(word, isOutcome(first));
    else for (const act of [first, second]) await this.#atOnce(act);
    await this.#time.idle();
    await this.#restartDead();
    await this.#heard();
    if (!acts.some((act) => act.do === "resume")) return;
    if (isResult) await this.#job.until(() => !isSamePoint(this.#job.point(), from));
    await this.#alone({ do: "resume" });
  }

  #isDead = false;

  /** Done without waiting for what comes of it; only what was acknowledged may be lost by nobody. */
  async #atOnce(act: Act): Promise<void> {
    if (act.do === "crash") return this.#die(act.isCreated);
    const fact = factOf(act);
    if (fact === undefined) return this.#result(act);
    await this.#restartDead();
    await this.#say(fact);
  }

  async #restartDead(): Promise<void> {
    if (!this.#isDead) return;
    this.#isDead = false;
    await this.#start(slots);
  }

  #die(isCreated: boolean): void {
    this.#isDead = true;
    this.#alive.kill(isCreated);
  }

  /** The word as an Effect inside the process that hears it. */
  #wordEffect(act: Act): Effect.Effect<void> {
    const fact = factOf(act);
    return fact === undefined
      ? Effect.sync(() => {
          this.#die(true);
        })
      : this.#post(fact);
  }

  async #atEncounter(result: Act, word: Act, isResultFirst: boolean): Promise<void> {
    let isMet = false;
    const met = Effect.suspend(() => {
      isMet = true;
      return this.#wordEffect(word);
    });
    const encounter = isResultFirst
      ? { before: Effect.void, after: met }
      : { before: met, after: Effect.void };
    this.#provider.encounter(this.#job.openKey(), encounter);
    this.#result(result);
    await this.#job.until(() => isMet);
  }

  /** The timer of a waiting step, and the word a millisecond before it or right with it. */
  async #atTimer(word: Act, isResultFirst: boolean): Promise<void> {
    const leftMs = this.#job.timerLeftMs();
    let isSaid = false;
    const said = Effect.suspend(() => {
      isSaid = true;
      return this.#wordEffect(word);
    });
    const delayMs = isResultFirst ? leftMs : Math.max(leftMs - 1, 0);
    Effect.runForkWith(this.#time.servicesOf(this))(Effect.delay(said, delayMs));
    await this.#job.until(() => isSaid);
  }

  /** What the provider or the user's function does; time alone needs no doing. */
  #result(act: Act): void {
    const key = this.#job.openKey();
    if (act.do === "reply") this.#provider.answer(key, answerFor(act.reply));
    if (act.do === "end") {
      const path = this.#job.openPath();
      endPrediction(this.#provider, key, {
        ending: act.ending,
        answers: this.#setting.answers.get(path),
      });
    }
    if (act.do === "finish") {
      const { path, attempt } = this.#job.point();
      this.#gates.open(path ?? "", attempt, act.ending);
    }
  }

  // --- the end

  /** Whatever is still open is let come to an end. */
  async #drain(): Promise<void> {
    this.#gates.openAll();
    const isOver = await this.#job.until(() => {
      for (const key of this.#provider.sendingKeys())
        this.#provider.answer(key, { type: "accepted" });
      if (this.#job.isAtRest())
        for (const key of this.#provider.runningKeys())
          this.#provider.end(key, { status: "canceled" });
      else
        for (const key of this.#provider.runningKeys())
          this.#provider.whenCancelled(key, { status: "canceled" });
      return this.#job.isAtRest() && this.#journals.openKeys.size === 0;
    });
    await this.#time.idle();
    if (!isOver)
      this.#fail(
        `expected the job at rest and every intent closed, stands at ${showPoint(this.#job.point())} with ${this.#journals.openKeys.size} open`,
      );
  }

  #check(): void {
    const record = this.#job.record();
    if (record === undefined) return this.#fail("the job is gone");
    const { plan, driver, driverOf } = this.#setting;
    const problems = problemsOf({
      plan,
      driver: driverOf?.(plan) ?? driver,
      path: this.#path,
      entries: this.#job.entries(),
      record,
      rows: [...this.#journals.predictions.values()],
      created: this.#provider.created,
    });
    if (problems.length > 0) this.#fail(problems.join("\n  "));
  }

  #fail(why: string): never {
    const journal = this.#job.shownJournal();
    throw new PathFailure(
      [
        `path "${this.#path.name}" (seed ${this.#setting.seed})`,
        `after: ${this.#done.join(" > ") || "the start"}`,
        `  ${why}`,
        "journal:",
        ...journal.map((line) => `  ${line}`),
      ].join("\n"),
    );
  }
}

/** Enough for every job of a path to run at once. */
const slots = 10;

const by = "path";

/** The fact of what an operator says; undefined for everything else. */
const factOf = (act: Act): Fact | undefined => {
  switch (act.do) {
    case "cancel":
      return { type: "CancelRequested", by };
    case "pause":
      return { type: "PauseRequested", by };
    case "resume":
      return { type: "ResumeRequested", by };
    case "retry":
      return { type: "RetryRequested", by, isFresh: false };
    default:
      return undefined;
  }
};

const wordIn = (first: Act, second: Act): Act => (isOutcome(first) ? second : first);
