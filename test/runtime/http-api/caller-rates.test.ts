/** How often each caller may ask, and for how long it is remembered that it did. */
import { describe, expect, it } from "vitest";
import { CallerRates } from "../../../src/runtime/http-api/caller-rates.ts";

const callerOf = (id: string, tenant: string | null = null) => ({ id, tenant, scopes: [] });
const eve = callerOf("eve");

/** How many of so many requests at once are taken. */
const takenOf = (rates: CallerRates, count: number, now: number): number =>
  Array.from({ length: count }, () => rates.take(eve, now)).filter((waitMs) => waitMs === 0).length;

describe("a caller's rate", () => {
  it.each([1, 3, 7, 600, 999])("is %d at once, and as many in a minute", (perMinute) => {
    const rates = new CallerRates(perMinute);
    expect(takenOf(rates, perMinute + 5, 0)).toBe(perMinute);
    expect(takenOf(rates, perMinute + 5, 60_000)).toBe(perMinute);
    expect(takenOf(rates, perMinute + 5, 60_000 + Math.ceil(60_000 / perMinute))).toBe(1);
  });

  it("says how long to wait, after which the next is taken and not before", () => {
    const rates = new CallerRates(3);
    takenOf(rates, 3, 5_000);
    expect(rates.take(eve, 6_000)).toBe(19_000);
    expect(rates.take(eve, 24_999)).toBe(1);
    expect(rates.take(eve, 25_000)).toBe(0);
  });

  it("is each caller's own, also where two tenants have one of the same name", () => {
    const rates = new CallerRates(1);
    const callers = [eve, callerOf("eve", "acme"), callerOf("eve", "brook"), callerOf("bob")];
    expect(callers.map((caller) => rates.take(caller, 0))).toEqual([0, 0, 0, 0]);
    expect(callers.map((caller) => rates.take(caller, 0) > 0)).toEqual([true, true, true, true]);
  });

  it("is forgotten once it is whole again, however many callers there were", () => {
    const rates = new CallerRates(600);
    for (let user = 0; user < 10_000; user += 1) rates.take(callerOf(`user-${user}`), user);
    expect(rates.size).toBe(10_000);
    rates.take(eve, 70_100);
    expect(rates.size).toBe(1);
  });

  it("is never waited for longer than a minute, wherever the clock is set", () => {
    const rates = new CallerRates(2);
    takenOf(rates, 2, 10_000_000);
    expect(rates.take(eve, 1_000)).toBeLessThanOrEqual(60_000);
    expect(rates.take(eve, 61_000)).toBe(0);
  });
});
