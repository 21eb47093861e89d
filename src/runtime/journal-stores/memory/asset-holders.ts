/** Which tenant holds which asset, in memory. */
import type { ForgetHolders, HeldQuery } from "../../journal-holdings.ts";

interface Holding {
  readonly isUpload: boolean;
  /** When it was last given (ms). */
  readonly at: number;
}

export class AssetHolders {
  readonly #byAsset = new Map<string, Map<string, Holding>>();

  add(sha256: string, tenant: string, { isUpload, at }: Holding): void {
    const holders = this.#byAsset.get(sha256) ?? new Map<string, Holding>();
    const known = holders.get(tenant);
    holders.set(tenant, {
      isUpload: isUpload || known?.isUpload === true,
      at: Math.max(at, known?.at ?? at),
    });
    this.#byAsset.set(sha256, holders);
  }

  forget({ sha256s, before }: ForgetHolders): void {
    for (const sha256 of sha256s) {
      const holders = this.#byAsset.get(sha256);
      for (const [tenant, { at }] of holders ?? []) if (at < before) holders?.delete(tenant);
      if (holders?.size === 0) this.#byAsset.delete(sha256);
    }
  }

  held({ tenant, sha256s, isUpload }: HeldQuery): ReadonlySet<string> {
    return new Set(
      sha256s.filter((sha256) => {
        const holding = this.#byAsset.get(sha256)?.get(tenant);
        return holding !== undefined && (holding.isUpload || !isUpload);
      }),
    );
  }
}
