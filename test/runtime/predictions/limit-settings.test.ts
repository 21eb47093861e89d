/** Limits that cannot be are refused at the start, by the name of their field. */
import { describe, expect, it } from "vitest";
import type { LimitsByProvider } from "../../../src/index.ts";
import { limitSettings } from "../../../src/runtime/predictions/limit-settings.ts";

const check = (limits: unknown, providers = ["replicate"]): LimitsByProvider =>
  // What a user's JavaScript may hand over, whatever the compiler was told.
  limitSettings(limits as LimitsByProvider, providers);

describe("limits", () => {
  it("are taken as they are, and none are none", () => {
    const limits = { replicate: { concurrency: 3, models: { "a/b": { burst: 1.5 } } } };
    expect(check(limits)).toBe(limits);
    expect(check(undefined)).toEqual({});
  });

  it.each([
    ["limits", 5],
    ["limits", { repliacte: {} }],
    ["limits.replicate", { replicate: null }],
    ["limits.replicate", { replicate: { createsPerMinuet: 6 } }],
    ["limits.replicate.concurrency", { replicate: { concurrency: 0 } }],
    ["limits.replicate.concurrency", { replicate: { concurrency: 1.5 } }],
    ["limits.replicate.createsPerMinute", { replicate: { createsPerMinute: "60" } }],
    ["limits.replicate.burst", { replicate: { burst: 0.5 } }],
    ["limits.replicate.models", { replicate: { models: [] } }],
    ["limits.replicate.models.a/b", { replicate: { models: { "a/b": { models: {} } } } }],
    ["limits.replicate.models.a/b.burst", { replicate: { models: { "a/b": { burst: NaN } } } }],
  ])("that cannot be are refused, naming %s", (field, limits) => {
    expect(() => check(limits)).toThrow(expect.objectContaining({ name: "StartError", field }));
  });

  it("of a provider whose client is not there yet are no mistake where there is no client at all", () => {
    expect(() => check({ replicate: { concurrency: 3 } }, [])).not.toThrow();
  });
});
