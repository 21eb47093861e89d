/** Where a bug was: the first line of its stack in the user's code, wherever that lies. */
import { describe, expect, test } from "vitest";
import { defectOf } from "../../../src/runtime/services/defect.ts";

const ownCode = new URL("../../../src/", import.meta.url).href;

const thrownAt = (...places: ReadonlyArray<string>): unknown => {
  const error = new TypeError("no");
  error.stack = ["TypeError: no", ...places.map((place) => `    at run (${place}:1:2)`)].join("\n");
  return error;
};

describe("the line of a defect", () => {
  test.each([
    [["node:internal/timers", "file:///srv/app/steps.ts"], "file:///srv/app/steps.ts"],
    [["/srv/app/node_modules/lib/a.js", "/srv/app/steps.js"], "/srv/app/steps.js"],
    [[`${ownCode}runtime/a.ts`, "file:///srv/app/steps.ts"], "file:///srv/app/steps.ts"],
    // A user's folder may be called as we are.
    [
      ["file:///srv/catena-posters/src/steps.ts", "/srv/b.js"],
      "file:///srv/catena-posters/src/steps.ts",
    ],
    [["node:internal/timers"], "node:internal/timers"],
  ])("of %j is %s", (places, expected) => {
    expect(defectOf(thrownAt(...places)).at).toBe(`at run (${expected}:1:2)`);
  });
});
