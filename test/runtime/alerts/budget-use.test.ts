/** Budgets that are nearly used: an alert for each share that is reached. */
import { describe, expect, test } from "vitest";
import { AlertBoard } from "../../../src/runtime/alerts/alert-board.ts";
import { budgetUses, type UsedBudget } from "../../../src/runtime/alerts/budget-use.ts";

const day = (usedPart: number | null): UsedBudget => ({
  budget: "day",
  tenant: null,
  limitMicros: 10_000_000,
  usedPart,
});
const settings = { at: [0.8, 1] };

const changesOf = (board: AlertBoard, used: ReadonlyArray<UsedBudget>, now: number) =>
  board
    .update(budgetUses(used, settings), new Set(), now)
    .map(({ type, alert }) => `${type} ${alert.subject} ${alert.threshold}`);

describe("a budget", () => {
  test("is told at each of its shares, and cleared with the new day", () => {
    const board = new AlertBoard();
    expect(changesOf(board, [day(0.79)], 1)).toEqual([]);
    expect(changesOf(board, [day(0.85)], 2)).toEqual(["raised day 0.8"]);
    expect(board.alerts()[0]?.what).toBe(
      "85 % of today's budget of $10.00 (day) is spent or reserved",
    );
    expect(changesOf(board, [day(1.02)], 3)).toEqual(["raised day 1"]);
    expect(board.alerts().map(({ threshold, since }) => [threshold, since])).toEqual([
      [0.8, 2],
      [1, 3],
    ]);
    expect(changesOf(board, [day(0)], 4)).toEqual([]);
    expect(changesOf(board, [day(0)], 5)).toEqual(["cleared day 0.8", "cleared day 1"]);
  });

  test("stays raised while estimates come and go around its share", () => {
    const board = new AlertBoard();
    expect(changesOf(board, [day(0.81)], 1)).toEqual(["raised day 0.8"]);
    const used = [0.79, 0.78, 0.81, 0.66, 0.65];
    expect(used.flatMap((part, index) => changesOf(board, [day(part)], index + 2))).toEqual([]);
    expect(changesOf(board, [day(0.6)], 9)).toEqual([]);
    expect(changesOf(board, [day(0.6)], 10)).toEqual(["cleared day 0.8"]);
  });

  test("of a tenant is its own, and one without a limit says nothing", () => {
    const board = new AlertBoard();
    const acme = { ...day(0.9), budget: "tenant", tenant: "acme" } as const;
    const free = { ...day(null), limitMicros: null };
    expect(changesOf(board, [free, acme], 1)).toEqual(["raised tenant acme 0.8"]);
  });

  test("of less than a cent is said in full", () => {
    const small = { ...day(1), limitMicros: 2_500 };
    expect(budgetUses([small], settings)[0]?.what).toBe(
      "100 % of today's budget of $0.0025 (day) is spent or reserved",
    );
  });
});
