/** What goes wrong between a process and the world: planned by number of the call, over all processes. */
import type { Ending } from "./provider.ts";
import type { Chance } from "./chance.ts";

export type Operation =
  | "submit"
  | "get"
  | "cancel"
  | "find"
  | "download"
  | "put"
  | "commit"
  | "step";

/**
 * `lost`: no answer comes, after the request took effect or not. `busy`: a definite 429 or 402.
 * `unavailable`: a 5xx or an error of our own disk. `ending`: of the prediction that is made.
 */
export type Fault =
  | { readonly type: "lost"; readonly isApplied: boolean }
  | { readonly type: "busy"; readonly status: 429 | 402 }
  | { readonly type: "unavailable" }
  | { readonly type: "expired" }
  | { readonly type: "ending"; readonly ending: Ending };

const possible: { readonly [Of in Operation]: ReadonlyArray<Fault> } = {
  submit: [
    { type: "lost", isApplied: true },
    { type: "lost", isApplied: true },
    { type: "lost", isApplied: false },
    { type: "busy", status: 429 },
    { type: "busy", status: 402 },
    { type: "ending", ending: "failed" },
    { type: "ending", ending: "slow" },
    { type: "ending", ending: "malformed" },
  ],
  get: [{ type: "unavailable" }],
  cancel: [
    { type: "lost", isApplied: false },
    { type: "lost", isApplied: true },
    { type: "unavailable" },
  ],
  find: [{ type: "unavailable" }],
  download: [{ type: "unavailable" }, { type: "expired" }],
  put: [{ type: "unavailable" }],
  commit: [{ type: "unavailable" }],
  step: [{ type: "unavailable" }],
};

/** Drawn more often: where the money is. */
const anywhere: ReadonlyArray<Operation> = [
  "submit",
  "submit",
  "submit",
  "submit",
  "get",
  "cancel",
  "find",
  "download",
  "put",
  "commit",
  "step",
];

interface Planned {
  readonly operation: Operation;
  readonly nth: number;
  readonly fault: Fault;
}

/** A plan of `count` retryable faults; a policy of eight attempts outlasts them. */
export class FaultPlan {
  readonly #planned: ReadonlyArray<Planned>;
  readonly #counts = new Map<Operation, number>();

  constructor(
    chance: Chance,
    {
      count,
      operations = anywhere,
    }: { readonly count: number; readonly operations: ReadonlyArray<Operation> | undefined },
  ) {
    this.#planned = Array.from({ length: count }, () => {
      const operation = chance.pick(operations);
      return { operation, nth: chance.between(1, 6), fault: chance.pick(possible[operation]) };
    });
  }

  /** The fault of this call, if one is planned for it. */
  next(operation: Operation): Fault | undefined {
    const nth = (this.#counts.get(operation) ?? 0) + 1;
    this.#counts.set(operation, nth);
    return this.#planned.find((one) => one.operation === operation && one.nth === nth)?.fault;
  }
}
