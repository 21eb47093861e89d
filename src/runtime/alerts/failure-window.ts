/**
 * How attempts of this process ended lately, by step and by model: counted as their entries are committed,
 * forgotten when the window has passed. What a rule forbade or a user wrote wrongly is no failure here.
 */
import type { Entry } from "../../machines/entry.ts";
import type { PipelinePlan } from "../../machines/plan.ts";
import type { Defect, FailureData } from "../../steps/failure.ts";
import type { Observation } from "../jobs/job-host.ts";

export interface Ended {
  /** `step poster/image` or `model black-forest-labs/flux-schnell`. */
  readonly subject: string;
  readonly attempts: number;
  readonly failed: number;
}

interface Slot {
  readonly index: number;
  attempts: number;
  failed: number;
}

/** So many slots make a window: the oldest is forgotten as a whole. */
const slotsInWindow = 20;

export class FailureWindow {
  readonly #slotMs: number;
  readonly #slots = new Map<string, Array<Slot>>();
  readonly #models: ReadonlyMap<string, string>;

  constructor(windowMs: number, plans: ReadonlyArray<PipelinePlan>) {
    this.#slotMs = windowMs / slotsInWindow;
    this.#models = modelsOf(plans);
  }

  /** Runs with every commit: all but the ends of attempts are passed over. */
  note({ pipeline, record, entries }: Observation): void {
    for (const entry of entries) {
      const hasFailed = endOf(entry);
      if (hasFailed === null || !("path" in entry)) continue;
      const { path, at } = entry;
      this.#count(`step ${pipeline}/${path}`, hasFailed, at);
      const model =
        this.#models.size === 0
          ? undefined
          : this.#models.get(placeOf(pipeline, record.version, path));
      if (model !== undefined) this.#count(`model ${model}`, hasFailed, at);
    }
  }

  /** Of everything that ended within the window before `now` (ms). */
  ended(now: number): ReadonlyArray<Ended> {
    const present = Math.floor(now / this.#slotMs);
    const oldest = present - slotsInWindow;
    return [...this.#slots].flatMap(([subject, slots]) => {
      forgetFuture(slots, present);
      while (slots[0] !== undefined && slots[0].index <= oldest) slots.shift();
      if (slots.length === 0) {
        this.#slots.delete(subject);
        return [];
      }
      const attempts = slots.reduce((sum, slot) => sum + slot.attempts, 0);
      const failed = slots.reduce((sum, slot) => sum + slot.failed, 0);
      return [{ subject, attempts, failed }];
    });
  }

  #count(subject: string, hasFailed: boolean, at: number): void {
    const known = this.#slots.get(subject);
    const slots = known ?? [];
    const present = Math.floor(at / this.#slotMs);
    forgetFuture(slots, present);
    const last = slots.at(-1);
    // A clock that was set back a little counts where it was.
    const index = Math.max(present, last?.index ?? -Infinity);
    const slot = last?.index === index ? last : { index, attempts: 0, failed: 0 };
    if (slot !== last) slots.push(slot);
    slot.attempts += 1;
    if (hasFailed) slot.failed += 1;
    if (slots.length > slotsInWindow) slots.shift();
    if (known === undefined) this.#slots.set(subject, slots);
  }
}

/** What was counted by a clock that was far ahead would last until that time has come. */
const forgetFuture = (slots: Array<Slot>, present: number): void => {
  const last = slots.at(-1);
  if (last !== undefined && last.index - present > slotsInWindow) slots.length = 0;
};

/** Whether the try that ends with the entry has failed; null where none ends, or where none is to blame. */
const endOf = (entry: Entry): boolean | null => {
  switch (entry.type) {
    case "StepSucceeded":
      return false;
    // A provider that takes no calls at all makes no attempt fail: it holds them.
    case "AttemptHeld":
    case "AttemptFailed":
    case "StepFailed":
      return isToBlame(entry.failure) ? true : null;
    default:
      return null;
  }
};

const isToBlame = (failure: FailureData | Defect): boolean =>
  failure._tag !== "PolicyFailure" &&
  !(failure._tag === "ValidationFailure" && failure.at === "input") &&
  // To be asked for patience is no failure.
  !(failure._tag === "ProviderFailure" && failure.reason === "RateLimited");

const placeOf = (pipeline: string, version: number, path: string): string =>
  `${pipeline}@${version}/${path}`;

const modelsOf = (plans: ReadonlyArray<PipelinePlan>): ReadonlyMap<string, string> =>
  new Map(
    plans.flatMap(({ name, version, nodes }) =>
      nodes.flatMap(
        ({ path, step: { program } }): ReadonlyArray<readonly [string, string]> =>
          program.kind === "model" ? [[placeOf(name, version, path), program.model]] : [],
      ),
    ),
  );
