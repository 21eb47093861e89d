/** Composition at once: as Effect's own in every outcome, and a plain value where the value is there. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Exit } from "effect";
import { allAtOnce, mapAtOnce, thenAtOnce, there } from "../../../src/runtime/services/at-once.ts";

const soon = <A>(value: A) => Effect.as(Effect.yieldNow, value);
const bug = new Error("planned by the test");
const throwing = (): Effect.Effect<never> => {
  throw bug;
};

describe("composition at once", () => {
  it("shows a value that is there, and nothing of what has yet to run or has failed", () => {
    expect(there(Effect.succeed(7))?.value).toBe(7);
    expect(there(Effect.succeed(undefined))).toBeDefined();
    expect(there(Effect.sync(() => 7))).toBeUndefined();
    expect(there(Effect.fail("no"))).toBeUndefined();
    expect(there(Effect.die(bug))).toBeUndefined();
  });

  it("hands a value on at once", () => {
    expect(there(mapAtOnce(Effect.succeed(7), (n) => n + 1))?.value).toBe(8);
    expect(there(thenAtOnce(Effect.succeed(7), (n) => Effect.succeed(n + 1)))?.value).toBe(8);
    expect(there(allAtOnce([Effect.succeed(1), Effect.succeed(2)]))?.value).toEqual([1, 2]);
  });

  it.effect("waits for what has to run, in its order", () =>
    Effect.gen(function* () {
      const seen: Array<number> = [];
      const noted = (n: number) => Effect.map(soon(n), () => seen.push(n));
      yield* allAtOnce<number, never, never>([Effect.succeed(0), noted(1), noted(2)]);
      expect(seen).toEqual([1, 2]);
      expect(yield* mapAtOnce(soon(7), (n) => n + 1)).toBe(8);
      expect(yield* thenAtOnce(soon(7), (n) => soon(n + 1))).toBe(8);
    }),
  );

  it.effect("fails and dies as Effect does", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(mapAtOnce(Effect.fail("no"), throwing))).toBe("no");
      for (const source of [Effect.succeed(7), soon(7)]) {
        const exit = yield* Effect.exit(thenAtOnce(source, throwing));
        expect(Exit.isFailure(exit) && Exit.hasDies(exit)).toBe(true);
      }
      expect(
        yield* Effect.flip(
          allAtOnce<number, string, never>([Effect.succeed(1), Effect.fail("no")]),
        ),
      ).toBe("no");
    }),
  );
});
