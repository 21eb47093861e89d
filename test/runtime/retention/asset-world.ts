/**
 * Jobs that put, share and name assets, processes that prune and erase, and deaths at any moment. A
 * process that died answers nothing any more: whatever it was doing stays as it is.
 */
import { Clock, Effect, Option } from "effect";
import type { Entry } from "../../../src/machines/entry.ts";
import { assetsOfJob } from "../../../src/runtime/job-assets.ts";
import type { JournalStore, Write } from "../../../src/runtime/journal-store.ts";
import { createOf, recordOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";
import type { RetentionHost } from "../../../src/runtime/retention/retention-host.ts";
import { retentionPolicy } from "../../../src/runtime/retention/policy.ts";
import type { AssetStore } from "../../../src/steps/asset-store.ts";
import { assetNamesIn } from "../../../src/steps/asset-names.ts";
import type { Dice } from "../../machines/seeded-dice.ts";

type Journals = JournalStore["Service"];
type Assets = AssetStore["Service"];

/** What really exists, whoever looks. */
export interface Truth {
  readonly journals: Journals;
  readonly assets: Assets;
  readonly dice: Dice;
  /** Every job ever made. */
  readonly jobs: Set<string>;
}

/** The stores as one process sees them, and its end. */
export class MortalProcess {
  readonly host: RetentionHost;
  readonly #truth: Truth;
  #isDead = false;
  #underWay = 0;

  constructor(truth: Truth) {
    const { journals, assets } = truth;
    this.#truth = truth;
    const view: Journals = {
      ...journals,
      commit: (writes) => this.#alive(journals.commit(writes)),
      freeAssets: (query) => this.#alive(journals.freeAssets(query)),
      rested: (query) => this.#alive(journals.rested(query)),
      leftovers: (after, limit) => this.#alive(journals.leftovers(after, limit)),
    };
    this.host = {
      store: view,
      assets: {
        put: (stored) => this.#alive(assets.put(stored)),
        putStream: (streamed) => this.#alive(assets.putStream(streamed)),
        open: (sha256) => this.#alive(assets.open(sha256)),
        get: (sha256) => this.#alive(assets.get(sha256)),
        touch: (sha256) => this.#alive(assets.touch(sha256)),
        list: (page) => this.#alive(assets.list(page)),
        remove: (removal) => this.#alive(assets.remove(removal)),
      },
      commit: (write) => Effect.map(view.commit([write]), ([result]) => result ?? lostResult),
      policy: retentionPolicy({ jobs: "3 days", rawAnswers: "2 days", assets: "1 day" }),
      pause: Effect.yieldNow,
    };
  }

  kill(): void {
    this.#isDead = true;
  }

  /** What was asked of a store before the end is still being done, as a disk does it. */
  get isUnderWay(): boolean {
    return this.#underWay > 0;
  }

  /** Others get their turn before and after; nothing comes back to the dead. */
  #alive<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const turn = Effect.suspend(() => {
      if (this.#isDead) return Effect.never;
      return this.#truth.dice.roll() < 0.5 ? Effect.yieldNow : Effect.void;
    });
    const counted = Effect.suspend(() => {
      this.#underWay += 1;
      const over = Effect.sync(() => {
        this.#underWay -= 1;
      });
      return Effect.ensuring(effect, over);
    });
    return Effect.andThen(
      turn,
      Effect.tap(counted, () => turn),
    );
  }
}

const lostResult = { type: "Conflict", over: "Job" } as const;

const small = (dice: Dice): Uint8Array => Uint8Array.of(Math.floor(dice.roll() * 5));
const owner = "somebody";

const commit = ({ host }: MortalProcess, write: Write) => Effect.asVoid(host.store.commit([write]));

/** A life of a job in this process: it puts what others may have put as well, names it, and rests. */
export const live = Effect.fnUntraced(function* (
  truth: Truth,
  process: MortalProcess,
  jobId: string,
) {
  const { dice, jobs } = truth;
  const now = yield* Clock.currentTimeMillis;
  const record = { ...recordOf(jobId, { updatedAt: now }), createdAt: now };
  yield* commit(process, createOf(jobId, { epoch: 1, owner, record }));
  jobs.add(jobId);
  const { host } = process;
  const committer = {
    commit: (write: Write) => Effect.map(Effect.orDie(host.store.commit([write])), first),
    tryCommit: (write: Write) => Effect.map(host.store.commit([write]), first),
    trouble: () => null,
    whenHealthy: Effect.void,
  };
  for (let step = 0; step < 3; step += 1) {
    const isRaw = dice.roll() < 0.3;
    const desk = assetsOfJob({ assets: host.assets, committer }, jobId, isRaw);
    const asset =
      dice.roll() < 0.3
        ? yield* desk.putPayload(`"${dice.pick(["a", "b", "c"])}"`, text.encode(`"${dice.roll()}"`))
        : yield* desk.put({ bytes: small(dice), contentType: "image/png" });
    yield* append(process, jobId, isRaw ? answer(asset) : output(asset));
  }
  yield* rest(process, jobId);
});

const text = new TextEncoder();
const first = <A>([result]: ReadonlyArray<A>): A => {
  if (result === undefined) throw new Error("a write without a result");
  return result;
};

type Body = { readonly type: "StepSucceeded" | "PredictionSettled" } & Record<string, unknown>;

const output = (asset: object): Body => ({
  type: "StepSucceeded",
  path: "paint",
  attempt: 1,
  output: { json: { asset } },
});

const answer = ({
  sha256,
  sizeBytes,
}: {
  readonly sha256: string;
  readonly sizeBytes: number;
}): Body => ({
  type: "PredictionSettled",
  path: "paint",
  key: "k",
  predictionId: "p",
  status: "succeeded",
  raw: { asset: sha256, sizeBytes },
  files: [],
  fileFailure: null,
  receipt: { provider: "", model: "", predictionId: "p", costMicros: 0, basis: "", metrics: {} },
});

const append = Effect.fnUntraced(function* (process: MortalProcess, jobId: string, body?: Body) {
  const job = Option.getOrThrow(yield* process.host.store.job(jobId));
  const at = yield* Clock.currentTimeMillis;
  // The bodies above are facts; only their place is added here.
  const entries = body === undefined ? [] : [{ ...body, seq: job.seq + 1, at } as unknown as Entry];
  const isReleased = body === undefined;
  const status = isReleased ? "complete" : "processing";
  yield* commit(process, {
    type: "AppendEntries",
    jobId,
    epoch: job.epoch,
    afterSeq: job.seq,
    entries,
    record: { ...job.record, status, updatedAt: at },
    ledger: [],
    timers: [],
    consumed: [],
    claim: null,
    isReleased,
  });
});

/** Ends the job wherever it stands: what a process that died left is ended by another. */
export const rest = (process: MortalProcess, jobId: string) => append(process, jobId);

/** The promises that are broken: assets that a job names and that are not there. */
export const missing = Effect.fnUntraced(function* ({ journals, assets, jobs }: Truth) {
  const lost: Array<string> = [];
  for (const jobId of jobs) {
    const entries = yield* journals.entries(jobId);
    for (const sha256 of assetNamesIn(JSON.stringify(entries)))
      if (Option.isNone(yield* assets.get(sha256))) lost.push(`${sha256.slice(0, 8)} of ${jobId}`);
  }
  return lost;
});
