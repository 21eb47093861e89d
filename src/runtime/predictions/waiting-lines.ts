/** Who waits to pass a gate: one line for each model, in the order in which they came, and the models take turns. */
import type { Block, Lane } from "./lane.ts";

interface Line {
  /** The model's own limits, where it has some. */
  readonly lane: Lane | null;
  readonly waiting: Map<string, () => void>;
}

export interface Waiter {
  readonly key: string;
  readonly lane: Lane | null;
  readonly resume: () => void;
}

export class WaitingLines {
  /** By model, who was served longest ago first. */
  readonly #lines = new Map<string, Line>();

  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  add(model: string, { key, lane, resume }: Waiter): void {
    const line = this.#lines.get(model) ?? { lane, waiting: new Map<string, () => void>() };
    this.#lines.set(model, line);
    line.waiting.set(key, resume);
  }

  forget(key: string): void {
    for (const [model, { waiting }] of this.#lines)
      if (waiting.delete(key) && waiting.size === 0) this.#lines.delete(model);
  }

  /**
   * Takes the one whose turn it is out of the line; else says how long (ms) until time alone lets somebody have
   * a turn, null where only the end of another call does.
   */
  next(now: number): Waiter | number | null {
    let soonestMs: number | null = null;
    for (const [model, line] of this.#lines) {
      const block = line.lane?.block(now) ?? null;
      if (block === null) return this.#take(model, line);
      if (block.waitMs !== null) soonestMs = Math.min(soonestMs ?? block.waitMs, block.waitMs);
    }
    return soonestMs;
  }

  #take(model: string, { lane, waiting }: Line): Waiter | null {
    const [first] = waiting;
    if (first === undefined) return null;
    const [key, resume] = first;
    waiting.delete(key);
    this.#lines.delete(model);
    // To the end: the others have their turns first.
    if (waiting.size > 0) this.#lines.set(model, { lane, waiting });
    return { key, lane, resume };
  }

  /** Undefined where nobody of this key waits; else what its model's own limits have against it. */
  blockOf(key: string, now: number): Block | null | undefined {
    for (const { lane, waiting } of this.#lines.values())
      if (waiting.has(key)) return lane?.block(now) ?? null;
    return undefined;
  }

  /** How many wait: for this lane, or at all. */
  count(lane: Lane | null): number {
    return [...this.#lines.values()]
      .filter((line) => lane === null || line.lane === lane)
      .reduce((sum, { waiting }) => sum + waiting.size, 0);
  }
}
