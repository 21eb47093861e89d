/** A process as the ports it works with see it: something that can end at any moment. */
import type { Effect } from "effect";
import type { CrashEnd, CrashPoint } from "./crash-point.ts";
import type { Lane } from "./timeline.ts";

export interface Mortal {
  readonly name: string;
  readonly lane: Lane;
  /** The owner's id in the journal store, once it is registered. */
  owner: string | null;
  /** Once others held it for dead, whatever it does must be in vain. */
  readonly isStale: boolean;
  /** Goes on, unless the process is dead; waits while it is frozen. No pause otherwise. */
  readonly alive: Effect.Effect<void>;
  /** Passes a crash point, or does not come out of it. */
  passes(point: CrashPoint): Effect.Effect<void>;
  end(end: CrashEnd): void;
}
