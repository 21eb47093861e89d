/**
 * Thousands of small worlds, each decided by its seed: one or two processes over one store, a provider, one
 * to four jobs; processes are killed, frozen or stopped at any of the crash points (see `CrashPoint`).
 *
 * The invariant: a crash can leave an intent without a prediction, but never a prediction without an intent;
 * every acknowledged job comes to rest; what is committed is never run or paid for again; and what the
 * receipts say is what the provider made, to the cent.
 *
 * A failure prints its seed; `CATENA_SEED=<seed> npx vitest run test/reliability/simulated.test.ts` runs
 * that world alone and prints its story.
 */
import { describe, expect, it } from "vitest";
import { tellStory } from "./simulation/story.ts";
import { violationsOf } from "./simulation/invariants.ts";
import { runWorld, type WorldKind } from "./simulation/world.ts";

/** Clocks that differ by seconds, as clocks do. */
const seconds = { maxSkewMs: 3_000, maxListLagMs: 5_000, limitMs: 7_200_000 };

const kinds: Readonly<Record<string, { readonly worlds: number; readonly kind: WorldKind }>> = {
  "with faults off, every model step is paid for exactly once, however often the process dies": {
    worlds: 350,
    kind: { faults: 0, ends: ["kill", "kill", "stop"], maxEnds: 2, isCommanded: false, ...seconds },
  },
  "with retryable faults, every job completes and every further intent has its reason": {
    worlds: 400,
    kind: { faults: 5, ends: ["kill", "kill", "stop"], maxEnds: 2, isCommanded: false, ...seconds },
  },
  "an owner frozen while another takes over appends nothing and sends nothing when it is thawed": {
    worlds: 350,
    kind: { faults: 2, ends: ["freeze"], maxEnds: 2, isCommanded: false, ...seconds },
  },
  "cancel, pause, resume and retry at any instant lose nothing, whatever dies meanwhile": {
    worlds: 400,
    kind: {
      faults: 4,
      ends: ["kill", "freeze", "stop"],
      maxEnds: 4,
      isCommanded: true,
      ...seconds,
    },
  },
  "timers wait out what is left of them, even where the clock jumps by hours": {
    worlds: 150,
    kind: {
      faults: 8,
      ends: ["kill", "stop"],
      maxEnds: 2,
      isCommanded: false,
      faultyOperations: ["step"],
      maxSkewMs: 7_200_000,
      maxListLagMs: 0,
      limitMs: 600_000,
    },
  },
  "a double that the provider shows too late is cancelled and booked": {
    worlds: 150,
    kind: {
      faults: 4,
      // The search for a double of a job that rests already ends with its process.
      ends: [],
      maxEnds: 0,
      isCommanded: false,
      faultyOperations: ["submit"],
      ...seconds,
      maxListLagMs: 90_000,
    },
  },
  "a day's budget holds at every reservation, whatever dies, and what is counted is what was paid":
    {
      worlds: 200,
      kind: {
        faults: 4,
        ends: ["kill", "kill", "freeze", "stop"],
        maxEnds: 3,
        isCommanded: false,
        callsADay: 2,
        ...seconds,
      },
    },
  "a job that kills every process rests after three, and no job that only waits beside it does": {
    worlds: 300,
    kind: {
      faults: 2,
      ends: [],
      maxEnds: 0,
      isCommanded: false,
      hasKiller: true,
      ...seconds,
    },
  },
};

const replayOf = (seed: number): string =>
  `replay: CATENA_SEED=${seed} npx vitest run test/reliability/simulated.test.ts`;

const wanted = process.env["CATENA_SEED"];

describe.each(Object.entries(kinds))("%s", (_, { worlds, kind }) => {
  const first = Object.values(kinds).findIndex((one) => one.kind === kind) * 1_000_000;
  const seeds =
    wanted === undefined
      ? Array.from({ length: worlds }, (_, index) => first + index + 1)
      : [Number(wanted)].filter((seed) => seed > first && seed <= first + 1_000_000);
  const title = `${seeds.length} worlds from seed ${seeds[0] ?? "-"}`;
  it.skipIf(seeds.length === 0)(title, { timeout: 120_000 }, () => {
    for (const seed of seeds) {
      const aftermath = runWorld(seed, kind);
      const violations = violationsOf(aftermath, kind);
      if (wanted !== undefined) console.log(tellStory(aftermath));
      if (violations.length > 0) expect.fail(`${violations.join("\n")}\n${replayOf(seed)}`);
    }
  });
});
