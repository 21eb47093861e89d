/** A value that does not fit its schema, told with every field: where, what was expected, what came. */
import type { Issue } from "../../steps/failure.ts";
import { UsageError } from "./ending.ts";
import { receivedAt } from "./received.ts";

/** `what` stands before the colon: `The input does not fit poster@1`. */
export const unfit = (what: string, issues: ReadonlyArray<Issue>, value: unknown): UsageError => {
  const lines = issues.map(({ path, message }) => {
    const got = message === "Missing key" ? "" : `, got ${receivedAt(value, path)}`;
    return `  ${path === "" ? "(the whole)" : path}: ${message}${got}`;
  });
  return new UsageError({ message: [`${what}:`, ...lines].join("\n") });
};
