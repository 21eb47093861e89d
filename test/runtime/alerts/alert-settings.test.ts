/** Options of alerts that cannot be are refused at the start, each by its name. */
import { describe, expect, test } from "vitest";
import { alertSettings } from "../../../src/runtime/alerts/alert-settings.ts";

const given =
  (alerts: unknown, onAlert?: unknown) =>
  // What a program without types may say.
  () =>
    alertSettings({ alerts, onAlert } as Parameters<typeof alertSettings>[0]);

describe("the options of alerts", () => {
  test("have defaults for everything that is not said", () => {
    expect(alertSettings({})).toMatchObject({
      everyMs: 30_000,
      failureRate: { share: 0.5, attempts: 10, windowMs: 600_000 },
      queueAge: { afterMs: 600_000 },
      stuckJobs: { overdueMs: 600_000, quietMs: 3_600_000 },
      budget: { at: [0.8, 1] },
      deadLetters: { count: 10, windowMs: 3_600_000 },
      aboutToBeLost: { afterMs: null },
    });
    expect(alertSettings({ alerts: false })).toBeNull();
    expect(alertSettings({ alerts: { queueAge: false } })?.queueAge).toBeNull();
  });

  test.each([
    ["alerts", "yes"],
    ["alerts", null],
    ["alerts", { queueage: false }],
    ["alerts.every", { every: 0 }],
    ["alerts.queueAge", { queueAge: true }],
    ["alerts.queueAge", { queueAge: { longer: "1 minute" } }],
    ["alerts.queueAge.after", { queueAge: { after: "soon" } }],
    ["alerts.failureRate.share", { failureRate: { share: 50 } }],
    ["alerts.failureRate.attempts", { failureRate: { attempts: 0 } }],
    ["alerts.failureRate.window", { failureRate: { window: "0 seconds" } }],
    ["alerts.stuckJobs.quiet", { stuckJobs: { quiet: -1 } }],
    ["alerts.budget.at", { budget: { at: [] } }],
    ["alerts.budget.at[1]", { budget: { at: [0.5, "all"] } }],
    ["alerts.deadLetters.count", { deadLetters: { count: 1.5 } }],
    ["alerts.aboutToBeLost.after", { aboutToBeLost: { after: 0 } }],
  ])("are refused by name: %s", (field, alerts) => {
    expect(given(alerts)).toThrow(`expected ${field} to be`);
  });

  test("take a function for what hears of them, and nothing else", () => {
    expect(given({}, "log")).toThrow("expected onAlert to be a function");
  });
});
