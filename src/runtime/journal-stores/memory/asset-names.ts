/** Which job names which asset, in memory: kept both ways, so that either question costs what it answers. */
import type { NamedAsset } from "../../journal-retention.ts";

interface Naming {
  isContent: boolean;
  isRaw: boolean;
  isPayload: boolean;
}

/** Which of the assets that no other job names are left behind by a job. */
interface Leaving {
  readonly restedAt: number;
  readonly isLeft: (isPayload: boolean) => boolean;
}

export class AssetNames {
  readonly #jobsByAsset = new Map<string, Map<string, Naming>>();
  readonly #assetsByJob = new Map<string, Set<string>>();
  /** Jobs that were not there yet when they were given names, and when (ms). */
  readonly #early = new Map<string, number>();
  /** By the asset, when the job that left it behind had come to rest (ms). */
  readonly leftovers = new Map<string, number>();

  add(jobId: string, names: ReadonlyArray<NamedAsset>): void {
    for (const { sha256, isRaw, isPayload } of names) {
      const jobs = this.#jobsByAsset.get(sha256) ?? new Map<string, Naming>();
      const naming = jobs.get(jobId) ?? { isContent: false, isRaw: false, isPayload: false };
      if (isRaw) naming.isRaw = true;
      else naming.isContent = true;
      naming.isPayload ||= isPayload;
      this.#jobsByAsset.set(sha256, jobs.set(jobId, naming));
      const assets = this.#assetsByJob.get(jobId) ?? new Set<string>();
      this.#assetsByJob.set(jobId, assets.add(sha256));
    }
  }

  addEarly(jobId: string, names: ReadonlyArray<NamedAsset>, at: number): void {
    this.add(jobId, names);
    if (!this.#early.has(jobId)) this.#early.set(jobId, at);
  }

  /** The job is there now. */
  arrive(jobId: string): void {
    this.#early.delete(jobId);
  }

  dropEarly(before: number): void {
    for (const [jobId, at] of this.#early) if (at < before) this.dropEarlyOf(jobId);
  }

  /** The job will never be there. */
  dropEarlyOf(jobId: string): void {
    if (this.#early.has(jobId)) this.drop(jobId, { restedAt: 0, isLeft: () => false });
  }

  /** A leftover is none any more, unless it was only a job that may never come that kept it. */
  tidy(sha256: string): void {
    const jobs = [...(this.#jobsByAsset.get(sha256)?.keys() ?? [])];
    if (!jobs.some((jobId) => this.#early.has(jobId))) this.leftovers.delete(sha256);
  }

  /** All that the job names goes; what no other job that is there names is left behind where that is wanted. */
  drop(jobId: string, { restedAt, isLeft }: Leaving): void {
    this.#early.delete(jobId);
    for (const sha256 of this.#assetsByJob.get(jobId) ?? []) {
      const jobs = this.#jobsByAsset.get(sha256);
      const naming = jobs?.get(jobId);
      if (jobs === undefined || naming === undefined) continue;
      jobs.delete(jobId);
      if (jobs.size === 0) this.#jobsByAsset.delete(sha256);
      if (this.#isFree(jobs) && isLeft(naming.isPayload)) this.leftovers.set(sha256, restedAt);
    }
    this.#assetsByJob.delete(jobId);
  }

  /** None of them is there. */
  #isFree(jobs: ReadonlyMap<string, Naming>): boolean {
    return [...jobs.keys()].every((jobId) => this.#early.has(jobId));
  }

  /** What only the job's raw answers name goes; payloads among it that no other job names are left behind. */
  dropRaw(jobId: string, restedAt: number): void {
    for (const sha256 of this.#assetsByJob.get(jobId) ?? []) {
      const jobs = this.#jobsByAsset.get(sha256);
      const naming = jobs?.get(jobId);
      if (jobs === undefined || naming === undefined || !naming.isRaw) continue;
      naming.isRaw = false;
      if (naming.isContent) continue;
      jobs.delete(jobId);
      this.#assetsByJob.get(jobId)?.delete(sha256);
      if (jobs.size === 0) this.#jobsByAsset.delete(sha256);
      if (this.#isFree(jobs) && naming.isPayload) this.leftovers.set(sha256, restedAt);
    }
  }

  payloadsOf(jobId: string): ReadonlyArray<Pick<NamedAsset, "sha256" | "isRaw">> {
    return [...(this.#assetsByJob.get(jobId) ?? [])].flatMap((sha256) => {
      const naming = this.#jobsByAsset.get(sha256)?.get(jobId);
      if (naming?.isPayload !== true) return [];
      return [
        ...(naming.isRaw ? [{ sha256, isRaw: true }] : []),
        ...(naming.isContent ? [{ sha256, isRaw: false }] : []),
      ];
    });
  }

  /** Whether anybody counts who names it: by content, or by raw answers alone. */
  isNamed(sha256: string, counts: (jobId: string, isRawOnly: boolean) => boolean): boolean {
    return [...(this.#jobsByAsset.get(sha256) ?? [])].some(([jobId, { isContent }]) =>
      counts(jobId, !isContent),
    );
  }
}
