/**
 * The part of the journal store's port that knows which tenant holds which file: because it uploaded it, or
 * because a job of its was given it or made it. A name in a text makes nobody a holder.
 *
 * Guarantees of every adapter. A tenant holds an asset from RecordUpload on, or from a NameAssets on that
 * says so of a job of the tenant that is there. Several tenants may hold the same bytes, each by itself.
 * Whoever uploaded an asset stays its uploader, whatever its jobs make of it. A tenant holds it until
 * ForgetHolders, however many jobs are erased meanwhile.
 */
import type { Effect } from "effect";

/** The tenant has uploaded these bytes. Repeating it makes it younger. */
export interface RecordUpload {
  readonly type: "RecordUpload";
  readonly sha256: string;
  readonly tenant: string;
  readonly at: number;
}

/** These assets were taken away: whoever held them since before this instant (ms) holds them no more. */
export interface ForgetHolders {
  readonly type: "ForgetHolders";
  readonly sha256s: ReadonlyArray<string>;
  readonly before: number;
}

export interface HeldQuery {
  readonly tenant: string;
  readonly sha256s: ReadonlyArray<string>;
  /** Only those that the tenant uploaded itself. */
  readonly isUpload: boolean;
}

export type HoldingWrite = RecordUpload | ForgetHolders;

/** What the port answers about holders; fails with: StoreFailure. */
export interface JournalHoldings<StoreFailure> {
  /** Which of these assets the tenant holds. */
  heldAssets(query: HeldQuery): Effect.Effect<ReadonlySet<string>, StoreFailure>;
}
