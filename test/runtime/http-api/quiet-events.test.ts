/** What event streams cost while nothing happens, and that they miss nothing for it. */
import { describe, expect, it } from "vitest";
import type { Catena } from "../../../src/index.ts";
import { MemoryJournals, MemoryJournalStore } from "../../../src/runtime/journal-stores/memory.ts";
import { admin, ask, base, posterOf, startApi } from "./support/api.ts";

/** Counts how often rows are read. */
const counting = (journals: MemoryJournals) => {
  const reads = { count: 0 };
  const inner = MemoryJournalStore.make(journals);
  const store: typeof inner = {
    ...inner,
    job: (jobId) => {
      reads.count += 1;
      return inner.job(jobId);
    },
  };
  return { store, reads };
};

/** Reads on until the text holds; then says what it was told since it began. */
const readerOf = async (catena: Catena, path: string) => {
  const headers = { authorization: `Bearer ${admin.secret}` };
  const { body } = await catena.fetch(new Request(`${base}${path}`, { headers }));
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    until: async (enough: (text: string) => boolean): Promise<string> => {
      while (!enough(text)) {
        const { done, value } = (await reader?.read()) ?? { done: true };
        if (done) break;
        text += value;
      }
      return text;
    },
  };
};

const signsIn = (text: string): number => text.split(": alive").length - 1;

describe("an event stream while nothing happens", () => {
  it("reads the job's row only where something was written, and still hears it all", async () => {
    const journals = new MemoryJournals();
    const { store, reads } = counting(journals);
    const gate = Promise.withResolvers<string>();
    const poster = posterOf(() => gate.promise);
    const http = { heartbeatEvery: "20 millis" } as const;
    await using owner = await startApi(poster, { store: MemoryJournalStore.make(journals) });
    await using other = await startApi(poster, { store, http, lookEvery: "1 hour" });
    const { json } = await ask(owner, "/poster", { body: { product: "x" } });
    const story = await readerOf(other, json.links.events);
    await story.until((text) => text.includes("StepStarted") && signsIn(text) > 1);
    const before = reads.count;
    const from = signsIn(await story.until(() => true));
    await story.until((text) => signsIn(text) >= from + 10);
    expect(reads.count - before).toBe(0);
    gate.resolve("done");
    const whole = await story.until((text) => text.includes("event: end"));
    expect(whole).toMatch(/"StepSucceeded"[^]*"JobCompleted"[^]*event: end/);
  });
});
