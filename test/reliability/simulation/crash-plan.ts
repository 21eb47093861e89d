/** Which processes of a world end, where, and how: drawn before it begins. */
import type { Chance } from "./chance.ts";
import { type Crash, type CrashEnd, type CrashPoint, crashPoints } from "./crash-point.ts";

export interface CrashHabits {
  readonly ends: ReadonlyArray<CrashEnd["type"]>;
  /** How many ends at most; a freeze counts twice, because it may be taken over twice. */
  readonly maxEnds: number;
}

/**
 * Whoever is frozen with the pen in his hand writes on: a create about to be sent counts as sent. What was
 * just committed is where a thawed process goes on first.
 */
const freezePoints: ReadonlyArray<CrashPoint> = [
  ...crashPoints.filter((point) => point !== "post:before"),
  ...Array.from({ length: 8 }, () => "commit:after" as const),
];

const weightOf = (type: CrashEnd["type"]): number => (type === "freeze" ? 2 : 1);

export class CrashPlan {
  /** Whether one more end of any kind is allowed. */
  readonly hasRoom: boolean;
  readonly #crashes: ReadonlyArray<Crash>;
  readonly #chance: Chance;
  readonly #habits: CrashHabits;
  readonly #passings = new Map<CrashPoint, number>();

  constructor(chance: Chance, habits: CrashHabits) {
    this.#chance = chance;
    this.#habits = habits;
    this.#crashes = this.#drawn();
    const planned = this.#crashes.reduce((sum, { end }) => sum + weightOf(end.type), 0);
    this.hasRoom = planned + 2 <= habits.maxEnds;
  }

  /** What is planned for this passing of the point. */
  endAt(point: CrashPoint): CrashEnd | undefined {
    const nth = (this.#passings.get(point) ?? 0) + 1;
    this.#passings.set(point, nth);
    return this.#crashes.find((one) => one.point === point && one.nth === nth)?.end;
  }

  anyEnd(): CrashEnd {
    return this.#endOf(this.#chance.pick(this.#habits.ends));
  }

  #drawn(): ReadonlyArray<Crash> {
    const { between, pick, isTrue } = this.#chance;
    const crashes: Array<Crash> = [];
    let left = between(0, this.#habits.maxEnds);
    while (left > 0) {
      const type = pick(this.#habits.ends);
      left -= weightOf(type);
      if (left < 0) break;
      const end = this.#endOf(type);
      const points = type === "freeze" ? freezePoints : crashPoints;
      const next = { point: pick(points), nth: between(1, 12), end };
      const again = crashes.at(-1);
      // Often enough the next process dies where the last one did.
      const isAgain = again !== undefined && points.includes(again.point) && isTrue(0.4);
      if (isTrue(0.85)) crashes.push(isAgain ? { ...again, nth: again.nth + 1, end } : next);
    }
    return crashes;
  }

  #endOf(type: CrashEnd["type"]): CrashEnd {
    if (type !== "freeze") return { type };
    const { isTrue, between } = this.#chance;
    // Short enough to be thawed with an intent that is still fresh, or long enough for everything to be over.
    return { type, forMs: isTrue(0.6) ? between(500, 4_500) : between(5_000, 40_000) };
  }
}
