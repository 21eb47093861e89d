/**
 * What every journal store must do, as data that any test runner can run. Two connections over the same
 * journals stand for two processes; the cases use no clock.
 */
import { Effect } from "effect";
import type { Scope } from "effect";
import type { StoreFailure } from "./journal-store.ts";
import { erasingCases } from "./journal-stores/conformance/erasing-cases.ts";
import { holdingCases } from "./journal-stores/conformance/holding-cases.ts";
import { jobCases } from "./journal-stores/conformance/job-cases.ts";
import { intentCases } from "./journal-stores/conformance/intent-cases.ts";
import { keyCases } from "./journal-stores/conformance/key-cases.ts";
import { ledgerCases } from "./journal-stores/conformance/ledger-cases.ts";
import { letterCases } from "./journal-stores/conformance/letter-cases.ts";
import { messageCases } from "./journal-stores/conformance/message-cases.ts";
import { namingCases } from "./journal-stores/conformance/naming-cases.ts";
import { outboxCases } from "./journal-stores/conformance/outbox-cases.ts";
import { ownerCases } from "./journal-stores/conformance/owner-cases.ts";
import { recountCases } from "./journal-stores/conformance/recount-cases.ts";
import { spendingCases } from "./journal-stores/conformance/spending-cases.ts";
import { vitalCases } from "./journal-stores/conformance/vital-cases.ts";
import type { ConformanceFailure, StoreUnderTest } from "./journal-stores/conformance/case.ts";

export type { StoreUnderTest } from "./journal-stores/conformance/case.ts";

export interface JournalStoreAdapter {
  /** Stands in front of every case's name. */
  readonly name: string;
  /** New empty journals; run once for each case. */
  readonly setup: Effect.Effect<StoreUnderTest, StoreFailure, Scope.Scope>;
}

export interface ConformanceCase {
  readonly name: string;
  /** Fails with: ConformanceFailure where a guarantee does not hold. */
  readonly run: Effect.Effect<void, ConformanceFailure | StoreFailure>;
}

const cases = [
  ...jobCases,
  ...keyCases,
  ...messageCases,
  ...ledgerCases,
  ...intentCases,
  ...spendingCases,
  ...recountCases,
  ...ownerCases,
  ...erasingCases,
  ...namingCases,
  ...holdingCases,
  ...letterCases,
  ...vitalCases,
  ...outboxCases,
];

/** The cases, each on journals of its own. */
export const journalStoreConformance = ({
  name,
  setup,
}: JournalStoreAdapter): ReadonlyArray<ConformanceCase> =>
  cases.map((body) => ({
    name: `${name}: ${body.name}`,
    run: Effect.scoped(Effect.flatMap(setup, body.run)),
  }));
