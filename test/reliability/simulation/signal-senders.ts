/**
 * Who is asked in a simulated world: two senders that do not know of one another, each of which sends its own
 * word until it is told that it was received, or that another was.
 */
import { Effect } from "effect";
import { JobUnavailable } from "../../../src/index.ts";
import type { MemoryJournals } from "../../../src/runtime/journal-stores/memory.ts";
import { sendSignal } from "../../../src/runtime/signals.ts";
import type { Chance } from "./chance.ts";
import { asking } from "./pipelines.ts";
import type { SimulatedProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

interface SendersWorld {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly journals: MemoryJournals;
  readonly alive: () => SimulatedProcess | undefined;
  readonly note: (line: string) => void;
}

export class SignalSenders {
  readonly #world: SendersWorld;
  /** What was acknowledged, by job. */
  readonly #acknowledged = new Map<string, Set<string>>();

  constructor(world: SendersWorld) {
    this.#world = world;
  }

  /** Begins to send, before or after the job has come to where it waits. */
  ask(jobId: string): void {
    const { timeline, chance } = this.#world;
    for (const word of chance.isTrue(0.5) ? ["yes"] : ["yes", "no"])
      timeline.after(chance.between(0, 20_000), () => {
        this.#send(jobId, word);
      });
  }

  #send(jobId: string, word: string): void {
    const { timeline, journals, alive, note } = this.#world;
    const status = journals.files.get(jobId)?.job.record.status;
    if (this.#acknowledged.get(jobId)?.has(word) === true) return;
    if (status === "complete" || status === "cancelled") return;
    let isAnswered = false;
    timeline.after(4_000, () => {
      if (!isAnswered) this.#send(jobId, word);
    });
    const process = alive();
    if (process?.engine == null) return;
    const value = { text: word, from: "person" };
    const sent = { jobId, path: asking.path, value, id: null, by: word };
    const told = sendSignal(process.engine.signals, sent).pipe(
      Effect.tap(() =>
        Effect.sync(() => {
          isAnswered = true;
          note(`${word} for ${jobId} is acknowledged by ${process.name}`);
          const words = this.#acknowledged.get(jobId) ?? new Set();
          this.#acknowledged.set(jobId, words.add(word));
        }),
      ),
      Effect.tapError((error) =>
        Effect.sync(() => {
          isAnswered = error instanceof JobUnavailable && /another value/.test(error.message);
        }),
      ),
    );
    process.run(Effect.ignore(told));
  }

  /** What was acknowledged and is not what the job was told, in words. */
  violations(): ReadonlyArray<string> {
    return [...this.#acknowledged].flatMap(([jobId, words]) => {
      const file = this.#world.journals.files.get(jobId);
      const received = (file?.entries ?? []).flatMap((entry) =>
        entry.type === "SignalReceived" ? [entry.by] : [],
      );
      const isEnded = file?.job.record.status === "cancelled";
      const isKept = received.length === 1 && words.has(received[0] ?? "");
      return words.size === 1 && (isKept || (isEnded && received.length === 0))
        ? []
        : [`${jobId} acknowledged ${[...words].join(", ")} and received ${received.join(", ")}`];
    });
  }
}
