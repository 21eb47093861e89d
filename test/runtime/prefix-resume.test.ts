/**
 * A crash at any commit of a job, and the resume equals a straight run: the same entries, the same end,
 * and one prediction of each model step at the provider. Every commit index is tried twice: the process
 * dies before it learns of the commit, and after it has acted on it, before the next one.
 */
import { describe, it } from "@effect/vitest";
import { Effect, type Fiber } from "effect";
import { TestClock } from "effect/testing";
import { expect } from "vitest";
import { makeDriver } from "../../src/machines/advance.ts";
import { Functions } from "../../src/steps/model-clients/functions.ts";
import { canonical } from "./prefix-resume/canonical.ts";
import { chainOf } from "./prefix-resume/chain.ts";
import { type Life, liveThrough } from "./prefix-resume/life.ts";
import type { Death } from "./prefix-resume/mortal-process.ts";

const png =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const file = { type: "string", format: "uri" } as const;
const concept = { headline: "Meet it.", visual_direction: "morning light", tone: "calm" };

/** A provider of its own for each life, which counts what it is asked to make. */
const provider = () => {
  const made: Array<string> = [];
  const answer = (step: string, output: unknown) => () => {
    made.push(step);
    return output;
  };
  const client = Functions.client({
    models: {
      writer: {
        run: ({ prompt }) =>
          JSON.stringify(prompt).includes("Product: ")
            ? answer("concept", JSON.stringify(concept))()
            : answer("prompt", "a thing in morning light")(),
      },
      painter: { run: answer("image", png), output: file },
      judge: { run: answer("check", "normal") },
    },
    makeId: (ordinal) => `prediction-${ordinal}`,
  });
  return { client, made };
};

interface Lived extends Life {
  readonly made: ReadonlyArray<string>;
  readonly stored: ReadonlyArray<string>;
}

const live = Effect.fnUntraced(function* (death: Death | null): Effect.fn.Return<Lived> {
  const { client, made } = provider();
  const stored: Array<string> = [];
  const cast = { writer: "writer", painter: "painter", judge: "judge" };
  const pipeline = chainOf(cast, (key) => stored.push(key));
  const around = { pipeline, input: "a kettle", client, orphanGraceMs: 60_000 };
  const fiber = yield* Effect.forkChild(liveThrough(around, death));
  return { ...(yield* underTestClock(fiber)), made, stored };
});

/** Lets time pass until the fiber is done; what runs without time runs before the next quarter second. */
const underTestClock = Effect.fnUntraced(function* <A>(fiber: Fiber.Fiber<A>) {
  while (true) {
    const exit = fiber.pollUnsafe();
    if (exit !== undefined) return yield* exit;
    yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)));
    yield* TestClock.adjust("250 millis");
  }
});

const steps = ["concept", "prompt", "image", "check"];

describe("a job whose process dies", () => {
  it.effect("at any commit goes on as if nothing had happened", () =>
    Effect.gen(function* () {
      const straight = yield* live(null);
      expect(straight.record.status).toBe("complete");
      expect(straight.made).toEqual(steps);
      const commits = Array.from({ length: straight.commits }, (_, index) => index + 1);
      const deaths = commits.flatMap(
        (commit): ReadonlyArray<Death> => [
          { commit, before: "answer" },
          { commit, before: "next" },
        ],
      );
      // After the last commit there is no next one to die before.
      for (const death of deaths.slice(0, -1)) yield* compare(straight, death);
    }),
  );
});

const compare = Effect.fnUntraced(function* (straight: Lived, death: Death) {
  const at = `commit ${death.commit}, before its ${death.before}`;
  const resumed = yield* live(death);
  expect(canonical(resumed.entries), at).toEqual(canonical(straight.entries));
  expect(resumed.made, at).toEqual(steps);
  expect(new Set(resumed.stored), at).toEqual(new Set(straight.stored));
  const { status, normalizedOutput, costMicros, waiting } = resumed.record;
  const { record } = straight;
  expect({ status, normalizedOutput, costMicros, waiting }, at).toEqual({
    status: record.status,
    normalizedOutput: record.normalizedOutput,
    costMicros: record.costMicros,
    waiting: null,
  });
  const { plan } = chainOf(
    { writer: "writer", painter: "painter", judge: "judge" },
    () => undefined,
  );
  const driver = makeDriver(plan);
  const [left, right] = [canonical(resumed.entries), canonical(straight.entries)].map((entries) =>
    driver.fold(entries),
  );
  expect([left?.value, left?.context], at).toEqual([right?.value, right?.context]);
});
