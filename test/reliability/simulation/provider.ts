/**
 * The simulated provider: predictions as functions of virtual time, with a ledger of everything it ever
 * made and what that cost. It belongs to no process; nothing that is killed takes it down.
 */
import type { Schema } from "effect";
import {
  isTerminal,
  type Prediction,
  type PredictionStatus,
} from "../../../src/steps/model-client.ts";
import type { PredictionRow } from "../../../src/runtime/journal-store.ts";
import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";

export const textModel = "sim/text";
export const imageModel = "sim/image";

/** US dollars a second of compute, for both models. */
export const usdPerSecond = 0.0007;

export const fileHost = "https://files.sim/";

/** What becomes of one prediction beside a plain success. */
export type Ending = "success" | "failed" | "slow" | "malformed";

export interface Made {
  readonly id: string;
  readonly model: string;
  readonly key: string;
  readonly input: Schema.JsonObject;
  readonly createdAt: number;
  readonly startsAt: number;
  /** When it ends by itself. */
  readonly endsAt: number;
  readonly ending: Ending;
  /** When the provider ends it for us: `Cancel-After`. */
  readonly cancelAfterMs: number;
  /** From then on it stands in the listing. */
  readonly listedAt: number;
  canceledAt: number | null;
}

export interface ProviderHabits {
  /** Where the intent's key can be read: in listings too, in a single prediction only, or nowhere. */
  readonly showsKeys: "everywhere" | "singly" | "never";
  readonly maxListLagMs: number;
  readonly maxRunMs: number;
}

export class SimulatedProvider {
  readonly made = new Map<string, Made>();
  readonly #timeline: Timeline;
  readonly #chance: Chance;
  readonly #habits: ProviderHabits;

  constructor(timeline: Timeline, chance: Chance, habits: ProviderHabits) {
    this.#timeline = timeline;
    this.#chance = chance;
    this.#habits = habits;
  }

  create(
    request: Pick<Made, "model" | "key" | "input" | "cancelAfterMs">,
    ending: Ending,
  ): Prediction {
    const { now } = this.#timeline;
    const startsAt = now + this.#chance.between(0, 800);
    const runMs = ending === "slow" ? 3_600_000 : this.#chance.between(1, this.#habits.maxRunMs);
    const made: Made = {
      ...request,
      id: `p${this.made.size + 1}`,
      createdAt: now,
      startsAt,
      endsAt: startsAt + runMs,
      ending,
      listedAt: now + this.#chance.between(0, this.#habits.maxListLagMs),
      canceledAt: null,
    };
    this.made.set(made.id, made);
    return this.show(made);
  }

  get(id: string): Prediction | null {
    const made = this.made.get(id);
    return made === undefined ? null : this.show(made);
  }

  cancel(id: string): Prediction | null {
    const made = this.made.get(id);
    if (made === undefined) return null;
    if (!isTerminal(this.#statusOf(made))) made.canceledAt ??= this.#timeline.now;
    return this.show(made);
  }

  list(createdAfter: number): ReadonlyArray<Prediction> {
    return [...this.made.values()]
      .filter(
        ({ createdAt, listedAt }) => createdAt >= createdAfter && listedAt <= this.#timeline.now,
      )
      .map((made) => ({
        ...this.show(made),
        key: this.#habits.showsKeys === "everywhere" ? made.key : null,
      }))
      .toReversed();
  }

  /** Everything that is still running. */
  running(): ReadonlyArray<Made> {
    return [...this.made.values()].filter((made) => !isTerminal(this.#statusOf(made)));
  }

  /** What no settled row of the ledger knows. */
  unbooked(rows: Iterable<PredictionRow>): ReadonlyArray<Made> {
    const booked = new Set(
      [...rows].map((row) => (row.receipt === null ? null : row.predictionId)),
    );
    return [...this.made.values()].filter(({ id }) => !booked.has(id));
  }

  /** What all ended predictions cost, in millionths of a US dollar, by id. */
  bill(): ReadonlyMap<string, number> {
    return new Map(
      [...this.made.values()].map((made) => {
        const usd = this.#statusOf(made) === "aborted" ? 0 : this.#seconds(made) * usdPerSecond;
        return [made.id, Math.round(usd * 1e7) / 10];
      }),
    );
  }

  show(made: Made): Prediction {
    const status = this.#statusOf(made);
    const { now } = this.#timeline;
    const shown = {
      id: made.id,
      status,
      output: status === "succeeded" ? outputOf(made) : null,
      error: status === "failed" ? "the model broke down" : null,
      input: made.input,
      key: this.#habits.showsKeys === "never" ? null : made.key,
      source: "api" as const,
      createdAt: made.createdAt,
      startedAt: now >= made.startsAt && status !== "aborted" ? made.startsAt : null,
      completedAt: isTerminal(status) ? Math.min(now, this.#endOf(made)) : null,
      metrics: isTerminal(status) ? { predict_time: this.#seconds(made) } : {},
      isDataRemoved: false,
    };
    return { ...shown, raw: { id: made.id, status } };
  }

  #endOf(made: Made): number {
    return Math.min(
      made.endsAt,
      made.createdAt + made.cancelAfterMs,
      made.canceledAt ?? Number.POSITIVE_INFINITY,
    );
  }

  #statusOf(made: Made): PredictionStatus {
    const { now } = this.#timeline;
    const end = this.#endOf(made);
    if (now < end) return now < made.startsAt ? "starting" : "processing";
    if (end < made.startsAt) return "aborted";
    if (end < made.endsAt) return "canceled";
    return made.ending === "failed" ? "failed" : "succeeded";
  }

  #seconds(made: Made): number {
    return Math.max(this.#endOf(made) - made.startsAt, 0) / 1_000;
  }
}

const outputOf = (made: Made): Schema.Json => {
  if (made.model === imageModel) return `${fileHost}${made.id}.png`;
  if (made.ending === "malformed") return `{"text": `;
  return JSON.stringify({ text: `about ${JSON.stringify(made.input["prompt"])}`, from: made.id });
};
