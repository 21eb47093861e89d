/**
 * Looks at a prediction that nobody answers, and what follows from them. A provider ends what it runs at its
 * deadline: one that cannot be looked at well after that holds no place from others, is looked at rarely, and is
 * booked as unknown in the end, so that its job can be pruned or erased some day.
 */
import type { Look } from "./look.ts";

/** `overdue`: it must have ended, and nobody can say how. `lost`: nobody will. */
export type Standing = "watched" | "overdue" | "lost";

/** So long (ms) after its deadline nobody is expected to put right any more what keeps the looks from being answered. */
const lostAfterMs = 7 * 86_400_000;
/** Who has just come has to have tried for so long (ms), whatever the clock says of the time before. */
const triedForMs = 3_600_000;
/** The longest wait (ms) between looks at what is overdue. */
const rarelyMs = 300_000;

interface Deadline {
  /** After this long (ms) the provider ends the prediction. */
  readonly timeoutMs: number;
  readonly graceMs: number;
  /** The longest wait (ms) between looks that are answered. */
  readonly maxPollMs: number;
}

export class SilentLooks {
  readonly #deadline: Deadline;
  #since: number | null = null;
  #standing: Standing = "watched";

  constructor(deadline: Deadline) {
    this.#deadline = deadline;
  }

  /** How it stands after this look. `now`: in ms of a clock that only runs; `ageMs`: since the intent. */
  after(look: Look, { now, ageMs }: { readonly now: number; readonly ageMs: number }): Standing {
    this.#since = look === "open" ? null : (this.#since ?? now);
    this.#standing = this.#since === null ? "watched" : this.#standingOf(now - this.#since, ageMs);
    return this.#standing;
  }

  #standingOf(silentMs: number, ageMs: number): Standing {
    const { timeoutMs, graceMs } = this.#deadline;
    const lateMs = ageMs - timeoutMs;
    if (silentMs < graceMs || lateMs < graceMs) return "watched";
    return lateMs >= lostAfterMs && silentMs >= triedForMs ? "lost" : "overdue";
  }

  /** The longest wait (ms) until the next look. */
  get maxWaitMs(): number {
    const { maxPollMs } = this.#deadline;
    return this.#standing === "watched" ? maxPollMs : Math.max(maxPollMs, rarelyMs);
  }
}
