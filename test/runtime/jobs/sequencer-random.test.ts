/**
 * Random interleavings of what services say and what messages say, batch by batch, some of whose commits
 * conflict. The invariant: seqs have no holes, the snapshot is the fold of what was committed, the row is
 * what a fold from the start makes of it, and every message is consumed exactly once.
 */
import { describe, expect, it } from "vitest";
import type { JobSnapshot, Service } from "../../../src/machines/advance.ts";
import { makeDriver } from "../../../src/machines/advance.ts";
import type { Entry, Fact } from "../../../src/machines/entry.ts";
import { newJob } from "../../../src/runtime/jobs/claim.ts";
import { type Mail, stage } from "../../../src/runtime/jobs/job-sequencer.ts";
import type { StateRecord } from "../../../src/runtime/journal-store.ts";
import {
  isAtRest,
  recordAfter,
  statusOf,
  timersOf,
} from "../../../src/runtime/jobs/state-record.ts";
import { poster } from "../../machines/chains.ts";
import { randomFact } from "../../machines/random-facts.ts";
import { type Dice, seededDice } from "../../machines/seeded-dice.ts";

const plan = poster.plan;
const driver = makeDriver(plan);
const deployed = { plan, driver, fingerprint: "f" };
const paths = plan.nodes.map(({ path }) => path);
const commands: readonly [Fact["type"], ...ReadonlyArray<Fact["type"]>] = [
  "PauseRequested",
  "ResumeRequested",
  "ResumeRequested",
  "RetryRequested",
  "CancelRequested",
];

/** The owner's side of the sequencer, as a test can see through it. */
class World {
  readonly entries: Array<Entry> = [];
  readonly tokens = new Map<string, symbol>();
  readonly consumed: Array<string> = [];
  snapshot: JobSnapshot;
  record: StateRecord;
  mail: Array<Mail> = [];
  posted = 0;
  readonly #dice: Dice;

  constructor(dice: Dice) {
    this.#dice = dice;
    const job = newJob(deployed, "job", {
      submitted: {
        type: "JobSubmitted",
        pipeline: plan.name,
        version: plan.version,
        fingerprint: "f",
        input: { json: "x" },
      },
      rest: [{ type: "Claimed", owner: "o", epoch: 1, isTakeover: false }, { type: "JobStarted" }],
      now: 0,
    });
    this.entries.push(...job.entries);
    this.snapshot = job.snapshot;
    this.record = job.record;
    this.#start(driver.services(job.snapshot));
  }

  #start(services: ReadonlyArray<Service>): void {
    for (const { id } of services) this.tokens.set(id, Symbol(id));
  }

  /** One to four letters: from a running service, from one that was stopped, from anybody. */
  receive(): void {
    const letters = 1 + Math.floor(this.#dice.roll() * 4);
    for (let letter = 0; letter < letters; letter += 1) this.mail.push(this.#letter());
  }

  #letter(): Mail {
    const { context } = this.snapshot;
    const reply = () => undefined;
    if (this.#dice.roll() < 0.15) {
      const type = this.#dice.pick(commands);
      this.posted += 1;
      const fact = commandOf(type);
      return { facts: [fact], consumes: `m${this.posted}`, from: null, reply };
    }
    const count = this.#dice.roll() < 0.7 ? 1 : 2;
    const facts = Array.from({ length: count }, () => randomFact(context, paths, this.#dice));
    const [id, token] = [...this.tokens][0] ?? ["nobody", Symbol("nobody")];
    const isStale = this.#dice.roll() < 0.1;
    return { facts, consumes: null, from: { id, token: isStale ? Symbol(id) : token }, reply };
  }

  /** One batch; a commit that conflicts leaves everything as it was, messages included. */
  turn(now: number): void {
    const staged = stage(this.mail, {
      now,
      jobId: "job",
      driver,
      snapshot: this.snapshot,
      seq: this.entries.length,
      isCurrent: (id, token) => this.tokens.get(id) === token,
    });
    if (this.#dice.roll() < 0.1) return;
    this.mail = [...staged.held];
    this.entries.push(...staged.entries);
    this.consumed.push(...staged.consumed);
    this.snapshot = staged.snapshot;
    if (staged.entries.length > 0)
      this.record = recordAfter(this.record, staged.entries, staged.snapshot);
    for (const id of staged.stop) this.tokens.delete(id);
    this.#start(staged.start);
  }
}

const commandOf = (type: Fact["type"]): Fact => {
  if (type === "RetryRequested") return { type, by: "test", isFresh: false };
  if (type === "PauseRequested" || type === "ResumeRequested") return { type, by: "test" };
  return { type: "CancelRequested", by: "test" };
};

const wanted = process.env["CATENA_SEED"];
const seeds =
  wanted === undefined ? Array.from({ length: 400 }, (_, seed) => seed + 1) : [Number(wanted)];

describe("a sequencer under random mail", () => {
  it(`${seeds.length} jobs: no hole, no double, and the fold agrees`, () => {
    let rests = 0;
    for (const seed of seeds) {
      const world = new World(seededDice(seed));
      for (let batch = 1; batch <= 40 && !isAtRest(world.snapshot); batch += 1) {
        world.receive();
        world.turn(batch * 1_000);
      }
      const hint = `CATENA_SEED=${seed} npx vitest run test/runtime/sequencer-random.test.ts`;
      const { entries, snapshot, record } = world;
      expect(
        entries.map(({ seq }) => seq),
        hint,
      ).toEqual(entries.map((_, index) => index + 1));
      const folded = driver.fold(entries);
      expect(folded.value, hint).toEqual(snapshot.value);
      expect(folded.context, hint).toEqual(snapshot.context);
      expect(
        driver
          .services(folded)
          .map(({ id }) => id)
          .sort(),
        hint,
      ).toEqual([...world.tokens.keys()].sort());
      expect(record.status, hint).toBe(statusOf(folded));
      expect(record.costMicros, hint).toBe(folded.context.costMicros);
      expect(record.failureKind, hint).toBe(folded.context.failure?.kind ?? null);
      expect(new Set(world.consumed).size, hint).toBe(world.consumed.length);
      if (isAtRest(folded)) {
        rests += 1;
        expect(record.waiting, hint).toBeNull();
        expect(world.tokens.size, hint).toBe(0);
      } else expect(record.waiting, hint).not.toBeNull();
      expect(timersOf(folded.context), hint).toEqual(timersOf(snapshot.context));
    }
    // The dice reach the end of enough jobs for the claims about rest to mean something.
    if (wanted === undefined) expect(rests).toBeGreaterThan(50);
  });
});
