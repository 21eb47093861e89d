/** What Replicate's refusals mean: RFC 7807 bodies of which any key may be absent, or no JSON at all. */
import { Option, Schema } from "effect";
import { type Issue, ProviderFailure, ValidationFailure } from "../failure.ts";
import { reasonOfStatus, retryAfterMs } from "../http-status.ts";
import { SubmitRejected, SubmitUnknown } from "../model-client.ts";
import type { Answer, Reply } from "./replicate-fetch.ts";

/** Who is asked, and when (ms): a `Retry-After` may be a date. */
export interface Asked {
  readonly provider: string;
  readonly now: number;
}

const Problem = Schema.Struct({
  title: Schema.optionalKey(Schema.Json),
  detail: Schema.optionalKey(Schema.Json),
  retry_after: Schema.optionalKey(Schema.Json),
  invalid_fields: Schema.optionalKey(Schema.Json),
});
type Problem = typeof Problem.Type;

const decodeProblem = Schema.decodeUnknownOption(Schema.fromJsonString(Problem));
const decodeFields = Schema.decodeUnknownOption(
  Schema.Array(Schema.Struct({ field: Schema.String, description: Schema.String })),
);

const problemOf = (answer: Answer): Problem =>
  Option.getOrElse(decodeProblem(answer.body), () => ({}));

/** Enough of a strange body to recognise it. */
const excerptLength = 200;

const detailOf = (answer: Answer): string => {
  const { title, detail } = problemOf(answer);
  const said = [textOf(title), textOf(detail)].filter((part) => part !== "").join(": ");
  return said === "" ? `HTTP ${answer.status}: ${excerpt(answer.body)}` : said;
};

const textOf = (value: Schema.Json | undefined): string =>
  typeof value === "string" ? value.trim() : "";

const excerpt = (body: string): string =>
  body.replaceAll(/\s+/g, " ").trim().slice(0, excerptLength);

/** The longer of the header and the body's `retry_after` (seconds), because either may be missing. */
const patienceMs = (answer: Answer, now: number): number | undefined => {
  const { retry_after: bodySeconds } = problemOf(answer);
  const bodyMs = typeof bodySeconds === "number" ? bodySeconds * 1_000 : 0;
  const longest = Math.max(retryAfterMs(answer.headers.get("retry-after"), now), bodyMs);
  return longest > 0 ? Math.ceil(longest) : undefined;
};

/** The failure behind a reply that is not the success that was asked for. */
export const failureOfReply = (reply: Reply, asked: Asked): ProviderFailure =>
  reply.kind === "lost"
    ? new ProviderFailure({ provider: asked.provider, reason: "Unavailable", detail: reply.detail })
    : new ProviderFailure(failureFields(reply, asked));

const failureFields = (answer: Answer, { provider, now }: Asked) => {
  const waitMs = patienceMs(answer, now);
  return {
    provider,
    reason: reasonOfStatus(answer.status),
    detail: detailOf(answer),
    status: answer.status,
    ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
  };
};

/** A success whose body is not what the reference promises. */
export const badResponse = (provider: string, detail: string): ProviderFailure =>
  new ProviderFailure({ provider, reason: "BadResponse", detail });

const isInputField = (field: string): boolean => field === "input" || field.startsWith("input.");

const issueOf = (field: string, message: string): Issue => ({
  path: field === "input" ? "" : field.slice("input.".length),
  message,
});

/** The same as lines of `detail`, for answers without `invalid_fields`: `- input.prompt: is required`. */
const issuesInText = (detail: unknown): ReadonlyArray<Issue> =>
  typeof detail !== "string"
    ? []
    : [...detail.matchAll(/^- (input(?:\.[^:\s]+)?): (.+)$/gm)].map(
        ([, field = "input", message = ""]) => issueOf(field, message),
      );

const inputIssues = (answer: Answer): ReadonlyArray<Issue> => {
  const { invalid_fields, detail } = problemOf(answer);
  const fields = Option.getOrElse(decodeFields(invalid_fields), () => []);
  if (fields.length === 0) return issuesInText(detail);
  // A wrong field beside the input (webhook, version) is this adapter's fault, not the step's.
  return fields.every(({ field }) => isInputField(field))
    ? fields.map(({ field, description }) => issueOf(field, description))
    : [];
};

const rejection = (answer: Answer, asked: Asked): ProviderFailure | ValidationFailure => {
  const issues = answer.status === 422 ? inputIssues(answer) : [];
  if (issues.length > 0) return new ValidationFailure({ at: "request", issues });
  const fields = failureFields(answer, asked);
  // The same request will be refused again: nothing about it depends on the hour.
  const isPermanent = fields.reason === "BadResponse";
  return new ProviderFailure({ ...fields, ...(isPermanent ? { isPermanent } : {}) });
};

/**
 * What a create that was not answered with a prediction means. Only a 4xx is a definite no; 408 says
 * that the server stopped waiting, not that it did nothing, and a redirect says nothing at all.
 */
export const submitFailure = (reply: Reply, asked: Asked): SubmitRejected | SubmitUnknown => {
  if (reply.kind === "lost") return new SubmitUnknown({ detail: reply.detail });
  const isDefinite = reply.status >= 400 && reply.status < 500 && reply.status !== 408;
  return isDefinite
    ? new SubmitRejected({ failure: rejection(reply, asked) })
    : new SubmitUnknown({ detail: detailOf(reply) });
};
