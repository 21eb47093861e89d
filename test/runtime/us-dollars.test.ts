/** Amounts as people read them. */
import { expect, test } from "vitest";
import { usdOf } from "../../src/runtime/us-dollars.ts";

test.each([
  [5.8, 0.0000058],
  [3_005.8, 0.0030058],
  [0, 0],
  [12_345_678_901.2, 12_345.6789012],
])("%d millionths are $%d, without digits that come of dividing", (micros, usd) => {
  expect(usdOf(micros)).toBe(usd);
});
