/** What a schema refuses, as issues with dotted paths. */
import { SchemaIssue } from "effect";
import type { Issue } from "./failure.ts";

const format = SchemaIssue.makeFormatterStandardSchemaV1();

/** Every issue, with its path below `at`. */
export const issuesOf = (
  issue: SchemaIssue.Issue,
  ...at: ReadonlyArray<string>
): ReadonlyArray<Issue> =>
  format(issue).issues.map(({ path = [], message }) => ({
    path: [...at, ...path.map((part) => String(typeof part === "object" ? part.key : part))].join(
      ".",
    ),
    message,
  }));
