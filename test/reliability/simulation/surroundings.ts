/** Everything outside the processes of a world, shared by all of them. */
import type { PipelinePlan } from "../../../src/machines/plan.ts";
import type { Budgets } from "../../../src/runtime/journal-spending.ts";
import type { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import type { AssetStore } from "../../../src/steps/asset-store.ts";
import type { Chance } from "./chance.ts";
import type { CrashEnd, CrashPoint } from "./crash-point.ts";
import type { FaultPlan } from "./faults.ts";
import type { Killer } from "./killer.ts";
import type { Mortal } from "./mortal.ts";
import type { SimulatedProvider } from "./provider.ts";
import type { Rules } from "./rules.ts";
import type { Timeline } from "./timeline.ts";

export interface Surroundings {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly provider: SimulatedProvider;
  readonly journals: MemoryJournals;
  readonly assets: AssetStore["Service"];
  readonly faults: FaultPlan;
  readonly rules: Rules;
  readonly killer: Killer;
  readonly plans: ReadonlyArray<PipelinePlan>;
  readonly concurrency: number;
  readonly budgets: Budgets | undefined;
  /** What is planned for this passing of a crash point. */
  readonly endAt: (point: CrashPoint) => CrashEnd | undefined;
  /** A process is no more, or was thawed after others took it for dead. */
  readonly onEnd: (process: Mortal, end: CrashEnd["type"]) => void;
}
