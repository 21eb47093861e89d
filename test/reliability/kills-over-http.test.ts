/**
 * Real processes that serve the HTTP API over one SQLite file, killed with SIGKILL ten times while clients
 * submit two hundred jobs; a client whose connection breaks sends its submit again, under the same key.
 *
 * The invariant: every job that was answered 202 completes, each key has one job, and each model step of
 * each job was paid for once.
 */
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { FaultRule } from "../../emulator/src/emulator.ts";
import { newApiKey } from "../../src/index.ts";
import { submitted } from "./real/http-clients.ts";
import {
  type KilledJob,
  openSite,
  predictionsDue,
  type Site,
  stockViolations,
  untilDone,
} from "./real/siege.ts";
import { makeChance } from "./simulation/chance.ts";

const seed = Number(process.env["CATENA_SEED"] ?? "1");
const replay = `CATENA_SEED=${seed} npx vitest run test/reliability/kills-over-http.test.ts`;

const jobs = 200;
const kills = 10;
const perKill = jobs / kills;

/** Pictures take a while, so that most of the jobs are under way whenever somebody is killed. */
const slowPictures: ReadonlyArray<FaultRule> = [
  {
    match: { operation: "create", model: "black-forest-labs/flux-schnell" },
    fault: { type: "outcome", outcome: { kind: "slow-boot", bootMs: 1_500 } },
  },
];

/** Workers that serve: two at a time, one after the other killed. */
class Servers {
  readonly #site: Site;
  readonly #urls = new Set<string>();
  readonly #busy = new Set<string>();
  kills = 0;

  constructor(site: Site) {
    this.#site = site;
  }

  readonly urls = (): ReadonlyArray<string> => [...this.#urls];

  readonly onAcknowledged = (url: string): void => {
    this.#busy.add(url);
  };

  /** Starts one that stays. */
  async start() {
    const worker = this.#site.fleet.start(0);
    const url = await worker.ready;
    this.#urls.add(url);
    return { worker, url };
  }

  /** Starts and kills until all kills are done. */
  async beKilled(lifeMs: () => number): Promise<void> {
    while (this.kills < kills) {
      this.kills += 1;
      const { worker, url } = await this.start();
      // Whoever has nothing to lose is killed in vain; the last may find nothing left to be done.
      for (let waited = 0; !this.#busy.has(url) && waited < 100; waited += 1) await pause(20);
      await pause(lifeMs());
      await worker.kill();
      this.#urls.delete(url);
    }
  }
}

const wasTakenOver = ({ entries }: KilledJob): boolean =>
  entries.some((entry) => entry.type === "Claimed" && entry.isTakeover);

describe("servers killed with SIGKILL under two hundred jobs", () => {
  it(
    "lose nothing that was acknowledged, make no double, and pay once",
    { timeout: 120_000 },
    async () => {
      const { secret: apiKey } = newApiKey();
      await using site = await openSite({ jobs, concurrency: 100, faults: slowPictures, apiKey });
      const servers = new Servers(site);
      const { urls, onAcknowledged } = servers;
      const chance = makeChance(seed);
      const client = async (number: number) => {
        // New jobs come in step with the kills, so that there is work to be killed in until the end.
        while (servers.kills < number / perKill - 1) await pause(20);
        return submitted({ urls, onAcknowledged, apiKey }, number);
      };
      const clients = Promise.all(Array.from({ length: jobs }, (_, at) => client(at + 1)));
      const life = () => chance.between(100, 800);
      await Promise.all([servers.beKilled(life), servers.beKilled(life)]);
      await servers.start();
      await servers.start();
      const acknowledged = await clients;
      await untilDone(site, { jobs, patienceMs: 60_000 });

      const stock = await site.takeStock();
      expect(stockViolations(stock), replay).toEqual([]);
      expect(stock.ledger.length, replay).toBe(predictionsDue(stock));
      const ids = acknowledged.map(({ jobIds }) => [...jobIds]);
      expect(
        ids.filter(({ length }) => length !== 1),
        replay,
      ).toEqual([]);
      const stored = stock.jobs.map(({ stored: { record } }) => record.jobId);
      expect(stored.toSorted(), replay).toEqual(ids.flat().toSorted());
      // The kills met clients and jobs, or this has shown nothing.
      expect(acknowledged.filter(({ broken }) => broken > 0).length, replay).toBeGreaterThan(0);
      expect(stock.jobs.filter(wasTakenOver).length, replay).toBeGreaterThan(kills);
    },
  );
});
