/**
 * Which run steps answer from their output schemas in place of running their functions: those the test
 * names, and, where it gives no layer, those that turn out to ask for a service.
 */
import type { Cause } from "effect";
import { missingServiceIn } from "./missing-service.ts";

export interface SubstituteOptions {
  /** Steps named by the test. */
  readonly named: ReadonlyArray<string>;
  /** With a layer every service is there, and one that is not is a bug to be shown. */
  readonly hasLayer: boolean;
}

export class Substitutes {
  readonly #hasLayer: boolean;
  readonly #paths: Set<string>;

  constructor({ named, hasLayer }: SubstituteOptions) {
    this.#hasLayer = hasLayer;
    this.#paths = new Set(named);
  }

  has(path: string): boolean {
    return this.#paths.has(path);
  }

  /** Whether the step cannot run for want of a service; from then on its function is not begun again. */
  lacksService(path: string, cause: Cause.Cause<unknown>): boolean {
    if (this.#hasLayer || missingServiceIn(cause) === undefined) return false;
    this.#paths.add(path);
    return true;
  }

  /** Their names: the named ones first. */
  names(): ReadonlyArray<string> {
    return [...this.#paths];
  }
}
