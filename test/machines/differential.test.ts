/**
 * The pure driver and a plain actor of the same machine are one thing: after every entry of a random job,
 * accepted or refused, both stand in the same state with the same memory and the same services.
 */
import { describe, expect, test } from "vitest";
import { createActor } from "xstate";
import {
  type Advanced,
  type JobDriver,
  type JobSnapshot,
  makeDriver,
} from "../../src/machines/advance.ts";
import type { Entry } from "../../src/machines/entry.ts";
import type { StepNode } from "../../src/machines/plan.ts";
import { campaignAssets } from "../../examples/campaign/campaign.ts";
import { asking, poster } from "./chains.ts";
import { randomFact } from "./random-facts.ts";
import { type Dice, seededDice } from "./seeded-dice.ts";

const seeds = Array.from({ length: 240 }, (_, index) => index + 1);
/** Far more than a job of five steps takes; a dice that never ends a job would be a bug of the test. */
const maxEntries = 2_000;

interface Walk {
  readonly driver: JobDriver;
  readonly paths: ReadonlyArray<string>;
  readonly dice: Dice;
  readonly check: (entry: Entry, advanced: Advanced) => void;
}

const seen = (snapshot: JobSnapshot) => ({
  value: snapshot.value,
  context: snapshot.context,
  status: snapshot.status,
  services: Object.keys(snapshot.children).toSorted(),
});

/** Draws entries until the job has ended: those that were accepted, and how many were refused. */
const walk = ({ driver, paths, dice, check }: Walk) => {
  const accepted: Array<Entry> = [];
  let refused = 0;
  let snapshot = driver.initial;
  while (snapshot.status === "active" && accepted.length + refused < maxEntries) {
    const fact = randomFact(snapshot.context, paths, dice);
    const entry: Entry = { ...fact, seq: accepted.length + 1, at: accepted.length * 10 };
    const advanced = driver.advance(snapshot, entry);
    if (advanced.isAccepted) accepted.push(entry);
    else refused += 1;
    check(entry, advanced);
    snapshot = advanced.snapshot;
  }
  return { accepted, refused, snapshot };
};

/** A plain actor that is sent the same entries and has to agree. */
const besideActor = (driver: JobDriver) => {
  const actor = createActor(driver.machine).start();
  const check: Walk["check"] = (entry, advanced) => {
    const before = actor.getSnapshot();
    actor.send(entry);
    const after = actor.getSnapshot();
    if (!advanced.isAccepted) expect(after, `${entry.type} is refused by both`).toBe(before);
    expect(seen(after), `after ${entry.type}`).toEqual(seen(advanced.snapshot));
  };
  return { check, stop: () => actor.stop() };
};

describe.for([
  ["campaign-assets", campaignAssets.plan],
  ["poster", poster.plan],
  ["asking", asking.plan],
] as const)("a job of %s", ([, plan]) => {
  const driver = makeDriver(plan);
  const paths = plan.nodes.map(({ path }) => path);

  test.for(seeds)("driven by seed %d is the same under the driver and under an actor", (seed) => {
    const { check, stop } = besideActor(driver);
    const { accepted, refused, snapshot } = walk({ driver, paths, dice: seededDice(seed), check });
    stop();
    expect(snapshot.status, `seed ${seed}: the job came to its end`).toBe("done");
    expect(refused, `seed ${seed}: some entries were refused`).toBeGreaterThan(0);
    expect(seen(driver.fold(accepted)), `seed ${seed}: folded again`).toEqual(seen(snapshot));
  });

  test("meets every state and every entry over all seeds", () => {
    const states = new Set<string>();
    const types = new Set<string>();
    for (const seed of seeds) {
      const { accepted } = walk({ driver, paths, dice: seededDice(seed), check: () => undefined });
      let snapshot = driver.initial;
      for (const entry of accepted) {
        snapshot = driver.advance(snapshot, entry).snapshot;
        states.add(JSON.stringify(snapshot.value));
        types.add(entry.type);
      }
    }
    const substatesOf = ({ step: { program } }: StepNode) =>
      program.kind === "signal"
        ? ["active", "waiting"]
        : ["active", "waiting", "backingOff", "unknown"];
    const expected = [
      "pending",
      "cancelling",
      "cancelled",
      "complete",
      { running: "(output)" },
      ...["validation", "timeout", "provider", "policy", "defect"].map((failed) => ({ failed })),
      ...plan.nodes.flatMap((node) =>
        substatesOf(node).map((substate) => ({ running: { [node.path]: substate } })),
      ),
    ];
    expect([...states].toSorted()).toEqual(expected.map((one) => JSON.stringify(one)).toSorted());
    const hasReuse = plan.nodes.some(
      ({ step: { program } }) => program.kind === "model" && program.reuseMs !== null,
    );
    const hasSignals = plan.nodes.some(({ step: { program } }) => program.kind === "signal");
    expect(types.size).toBe(23 + (hasReuse ? 1 : 0) + (hasSignals ? 2 : 0));
  });
});
