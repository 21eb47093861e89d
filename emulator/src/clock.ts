/**
 * The provider's clock: real time plus an offset that a test moves forward, so that hours of expiry and minutes of
 * webhook retries need no waiting. Everything of the emulator that waits, waits here.
 */
import { setImmediate as nextTurn } from "node:timers/promises";

interface Sleeper {
  readonly dueAt: number;
  readonly wake: (isOver: boolean) => void;
}

/** Longest delay that a Node timer takes, 24 days; no emulator is asked to wait for so long in real time. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Clock {
  readonly #realNow: () => number;
  readonly #sleepers = new Set<Sleeper>();
  readonly #busy = new Set<Promise<unknown>>();
  #offsetMs: number;
  #advancing: Promise<void> = Promise.resolve();

  constructor(realNow: () => number, offsetMs = 0) {
    this.#realNow = realNow;
    this.#offsetMs = offsetMs;
  }

  /** The emulated instant, ms since 1970. */
  now(): number {
    return this.#realNow() + this.#offsetMs;
  }

  /** The instant outside, which advancing does not move: what a receiver of signed messages compares with. */
  realNow(): number {
    return this.#realNow();
  }

  /** How far the emulated time is ahead of the real one. */
  offsetMs(): number {
    return this.#offsetMs;
  }

  /** True when so much emulated time has passed, false as soon as the signal is aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<boolean> {
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const wake = (isOver: boolean): void => {
        clearTimeout(timer);
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", stop);
        resolve(isOver);
      };
      const stop = (): void => wake(false);
      const sleeper = { dueAt: this.now() + durationMs, wake };
      const timer = setTimeout(() => wake(true), Math.min(durationMs, LONGEST_TIMER_MS));
      timer.unref();
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** Lets the work finish before the time is moved on: what began at an instant ends at it. */
  during<Value>(work: Promise<Value>): Promise<Value> {
    const settled: Promise<unknown> = work
      .catch(() => undefined)
      .finally(() => this.#busy.delete(settled));
    this.#busy.add(settled);
    return work;
  }

  /** Moves the time forward, stopping at every instant somebody waits for; resolves when what was due has happened. */
  advance(durationMs: number): Promise<void> {
    this.#advancing = this.#advancing.then(() => this.#advance(durationMs));
    return this.#advancing;
  }

  /** Back to the real time. */
  reset(): void {
    this.#offsetMs = 0;
  }

  async #advance(durationMs: number): Promise<void> {
    await this.#calm();
    const target = this.now() + durationMs;
    for (let next = this.#next(target); next !== undefined; next = this.#next(target)) {
      this.#moveTo(next.dueAt);
      next.wake(true);
      await this.#calm();
    }
    this.#moveTo(target);
  }

  #next(target: number): Sleeper | undefined {
    return [...this.#sleepers]
      .filter(({ dueAt }) => dueAt <= target)
      .toSorted((a, b) => a.dueAt - b.dueAt)[0];
  }

  #moveTo(instant: number): void {
    this.#offsetMs += Math.max(0, instant - this.now());
  }

  async #calm(): Promise<void> {
    await nextTurn();
    while (this.#busy.size > 0) {
      await Promise.all(this.#busy);
      await nextTurn();
    }
  }
}
