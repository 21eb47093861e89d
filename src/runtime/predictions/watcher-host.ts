/** What the watchers of all providers share: the ledger's store, its committer, and the rules of patience. */
import type { AssetStore } from "../../steps/asset-store.ts";
import type { GroupCommit } from "../group-commit.ts";
import type { JournalStore } from "../journal-store.ts";
import type { PriceTable } from "./price-table.ts";

export interface WatcherSettings {
  /** How long (ms) a provider may take to show a prediction in its listing. */
  readonly orphanGraceMs: number;
  /** The first wait (ms) between two looks at a prediction; each further one is half as long again. */
  readonly pollMs: number;
  readonly maxPollMs: number;
  /** The URL under which providers report, each at its own name. Default: they report nowhere. */
  readonly webhookBase?: string;
}

export interface WatcherHost {
  readonly owner: string;
  readonly store: JournalStore["Service"];
  readonly committer: GroupCommit;
  readonly assets: AssetStore["Service"];
  readonly prices: PriceTable;
  readonly settings: WatcherSettings;
  readonly nudge: (jobId: string) => void;
}
