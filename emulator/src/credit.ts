/** The account's prepaid credit: what was granted less what predictions cost since. Without a grant it is endless. */
import type { Ledger } from "./storage/ledger.ts";

export class Credit {
  readonly #ledger: Pick<Ledger, "totalUsd">;
  #grant: { readonly usd: number; readonly spentBeforeUsd: number } | undefined;

  constructor(ledger: Pick<Ledger, "totalUsd">, usd: number | undefined) {
    this.#ledger = ledger;
    this.set(usd);
  }

  /** Grants so much from now on; undefined for endless credit. */
  set(usd: number | undefined): void {
    this.#grant = usd === undefined ? undefined : { usd, spentBeforeUsd: this.#ledger.totalUsd() };
  }

  /** What is left, below zero where the last predictions cost more; undefined where it is endless. */
  leftUsd(): number | undefined {
    if (this.#grant === undefined) return undefined;
    const { usd, spentBeforeUsd } = this.#grant;
    return Math.round((usd - (this.#ledger.totalUsd() - spentBeforeUsd)) * 1e7) / 1e7;
  }
}
