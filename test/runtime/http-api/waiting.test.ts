/**
 * Every job that is not over says what it waits for and since when: over HTTP at every moment of its life,
 * and in every record that is committed, whatever is done to it.
 */
import { Schema } from "effect";
import { describe, expect, it } from "vitest";
import { Catena, Pipeline, Replicate, Retry, Step } from "../../../src/index.ts";
import { type FaultRule, startEmulator } from "../../../emulator/src/emulator.ts";
import type { StateRecord } from "../../../src/runtime/journal-store.ts";
import { isMute } from "../../../src/runtime/testing/mute-record.ts";
import { admin, ask, type Told } from "./support/api.ts";

const seed = Number(process.env["SEED"] ?? Date.now() % 1e6);

/** Numbers from 0 to 1, the same for the same seed. */
const chanceOf = (state: number) => () => {
  state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
  return state / 4_294_967_296;
};

const line = Step.model("line", {
  input: Schema.String,
  output: Schema.NonEmptyString,
  model: "meta/meta-llama-3-8b-instruct",
  request: (product) => ({ prompt: `Product: ${product}` }),
  retry: Retry.fixed({ attempts: 2, delayMs: 30 }),
  timeout: "10 seconds",
});
const check = Step.make("check", {
  input: Schema.String,
  output: Schema.String,
  run: async (text) => {
    await new Promise((resolve) => {
      setTimeout(resolve, 15);
    });
    return text;
  },
});
const lines = Pipeline.make("lines", { version: 1, input: Schema.String })
  .step(line)
  .step(check)
  .output(Schema.String, ({ last }) => last);

const faults: ReadonlyArray<FaultRule> = [
  {
    match: { operation: "create", nth: [3, 7] },
    fault: { type: "lost-answer", by: "reset", applied: true },
  },
  {
    match: { operation: "create", nth: [5] },
    fault: { type: "rate-limited", retryAfterSeconds: 1 },
  },
];

const terminal = ["failed", "complete", "cancelled"];

const mute = ({ json }: Told): boolean =>
  !terminal.includes(json.status) &&
  !(
    typeof json.waiting_for === "string" &&
    json.waiting_for !== "" &&
    !Number.isNaN(Date.parse(json.since))
  );

describe(`what a job waits for (seed ${seed})`, () => {
  it("is said in every answer and every record until it is over", { timeout: 60_000 }, async () => {
    const chance = chanceOf(seed);
    await using emulator = await startEmulator({ models: "instant", bootMs: 20, faults });
    const muteRecords: Array<StateRecord> = [];
    await using catena = await Catena.start({
      pipelines: [lines],
      models: Replicate.client({ token: emulator.token, baseUrl: `${emulator.url}/v1` }),
      pollEvery: "20 millis",
      orphanGrace: "300 millis",
      concurrency: 4,
      http: { keys: [admin.key], requestsPerMinute: 1_000_000 },
      inspect: ({ record }) => {
        if (isMute(record)) muteRecords.push(record);
      },
    });
    const seen = new Map<string, number>();
    const look = async (path: string): Promise<Told> => {
      const told = await ask(catena, path);
      expect(mute(told), told.text).toBe(false);
      const { status, detail, waiting_for } = told.json;
      const shown = `${status} ${detail} ${waiting_for}`;
      seen.set(shown, (seen.get(shown) ?? 0) + 1);
      return told;
    };
    const live = async (): Promise<void> => {
      const made = await ask(catena, "/lines", { body: '"tea"' });
      expect(mute(made), made.text).toBe(false);
      const { self } = made.json.links;
      for (let asked = 0; ; ) {
        const { json } = await look(self);
        if (terminal.includes(json.status)) return;
        if (asked < 3 && chance() < 0.1) {
          asked += 1;
          const verb = ["pause", "resume", "cancel", "retry"][Math.floor(chance() * 4)];
          await ask(catena, `${self}/${verb}`, { method: "POST" });
        } else if (json.detail === "paused" && chance() < 0.5)
          await ask(catena, `${self}/resume`, { method: "POST" });
        await new Promise(setImmediate);
      }
    };
    await Promise.all(Array.from({ length: 30 }, live));
    expect(muteRecords).toEqual([]);
    const listed = await ask(catena, "/jobs?limit=200");
    expect(listed.json.jobs).toHaveLength(30);
    // What was looked at is worth looking at: the queue, the steps, the provider.
    expect([...seen.keys()].join("\n")).toContain("pending null a free slot");
    expect([...seen.keys()].join("\n")).toContain("processing waiting the model of line");
    expect(seen.size).toBeGreaterThan(4);
  });
});
