/** How a path's moves are made to happen on its stage: one thing at a time, or two at the same tick. */
import { Effect, Schema } from "effect";
import type { Fact } from "../../machines/entry.ts";
import type { PlannedMove } from "../../machines/paths.ts";
import type { Act } from "../../machines/paths/act.ts";
import { isOutcome } from "../../machines/paths/moves.ts";
import { isSamePoint, type Point } from "../../machines/paths/point.ts";
import type { StepAnswers } from "./generated.ts";
import { answerFor, endPrediction } from "./path-answers.ts";
import type { PathStage } from "./path-stage.ts";

export interface MoveSetting {
  readonly answers: ReadonlyMap<string, StepAnswers>;
  /** The job waits as a row, over crashes too, until the path starts it. */
  readonly isQueued: boolean;
}

export class MovePlayer {
  readonly #stage: PathStage;
  readonly #setting: MoveSetting;

  constructor(stage: PathStage, setting: MoveSetting) {
    this.#stage = stage;
    this.#setting = setting;
  }

  /** Lets the move happen; what the job makes of its last act is not waited for. */
  async play({ move, from }: PlannedMove): Promise<void> {
    if (move.isRace) await this.#race(move.acts, from);
    else for (const act of move.acts) await this.#alone(act);
  }

  /** One thing, and the job has heard of it. */
  async #alone(act: Act): Promise<void> {
    const stage = this.#stage;
    if (act.do === "start") {
      await stage.stop();
      return stage.start();
    }
    if (act.do === "crash") {
      stage.kill(act.isCreated);
      const staysQueued = this.#setting.isQueued && stage.job.point().place === "queued";
      return stage.revive(staysQueued ? 0 : undefined);
    }
    const fact = this.#factOf(act);
    if (fact === undefined) return this.#result(act);
    await stage.say(fact);
    await stage.heard();
    if (act.do === "pause" && !stage.job.isPaused()) throw new Error("the job has not paused");
  }

  /** Two things at the same tick; a pause is resumed once the other has come to something. */
  async #race(acts: ReadonlyArray<Act>, from: Point): Promise<void> {
    const [first, second] = acts;
    if (first === undefined || second === undefined) return;
    const { time, job } = this.#stage;
    const word = isOutcome(first) ? second : first;
    const isResult = isOutcome(first) || isOutcome(second);
    if (isResult && (from.place === "waiting" || from.place === "unknown"))
      await this.#atEncounter(isOutcome(first) ? first : second, word, isOutcome(first));
    else if (isResult && from.place === "backingOff") await this.#atTimer(word, isOutcome(first));
    else for (const act of [first, second]) await this.#atOnce(act);
    await time.idle();
    await this.#stage.revive();
    await this.#stage.heard();
    if (!acts.some((act) => act.do === "resume")) return;
    if (isResult) await job.until(() => !isSamePoint(job.point(), from));
    await this.#alone({ do: "resume" });
  }

  /** Done without waiting for what comes of it; only what was acknowledged may be lost by nobody. */
  async #atOnce(act: Act): Promise<void> {
    if (act.do === "crash") return this.#stage.kill(act.isCreated);
    const fact = this.#factOf(act);
    if (fact === undefined) return this.#result(act);
    await this.#stage.revive();
    await this.#stage.say(fact);
  }

  #factOf(act: Act): Fact | undefined {
    if (act.do !== "signal") return wordOf(act);
    const sent = this.#setting.answers.get(act.path)?.[act.said];
    const value = { json: isJson(sent) ? sent : null };
    return { type: "SignalReceived", path: act.path, id: null, by, value };
  }

  /** The word as an Effect inside the process that hears it. */
  #wordEffect(act: Act): Effect.Effect<void> {
    const fact = this.#factOf(act);
    return fact === undefined
      ? Effect.sync(() => {
          this.#stage.kill(true);
        })
      : this.#stage.post(fact);
  }

  /** The result as the runtime looks at the provider, and the word right before or after that look. */
  async #atEncounter(result: Act, word: Act, isResultFirst: boolean): Promise<void> {
    const { provider, job } = this.#stage;
    let isMet = false;
    const met = Effect.suspend(() => {
      isMet = true;
      return this.#wordEffect(word);
    });
    const encounter = isResultFirst
      ? { before: Effect.void, after: met }
      : { before: met, after: Effect.void };
    provider.encounter(job.openKey(), encounter);
    this.#result(result);
    await job.until(() => isMet);
  }

  /** The timer of a waiting step, and the word a millisecond before it or right with it. */
  async #atTimer(word: Act, isResultFirst: boolean): Promise<void> {
    const { time, job } = this.#stage;
    const leftMs = job.timerLeftMs();
    let isSaid = false;
    const said = Effect.suspend(() => {
      isSaid = true;
      return this.#wordEffect(word);
    });
    const delayMs = isResultFirst ? leftMs : Math.max(leftMs - 1, 0);
    Effect.runForkWith(time.servicesOf(this))(Effect.delay(said, delayMs));
    await job.until(() => isSaid);
  }

  /** What the provider or the user's function does; time alone needs no doing. */
  #result(act: Act): void {
    const { job, provider, gates } = this.#stage;
    const key = job.openKey();
    if (act.do === "reply") provider.answer(key, answerFor(act.reply));
    if (act.do === "end") {
      const answers = this.#setting.answers.get(job.openPath());
      endPrediction(provider, key, { ending: act.ending, answers });
    }
    if (act.do === "finish") {
      const { path, attempt } = job.point();
      gates.open(path ?? "", attempt, act.ending);
    }
  }
}

const by = "path";

const isJson = Schema.is(Schema.Json);

/** The fact of what an operator says; undefined for everything else. */
const wordOf = (act: Act): Fact | undefined => {
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
