/** What effect/http-api refuses by itself (a header, parameter or query that does not decode), as a problem. */
import { Effect, type Layer, SchemaIssue } from "effect";
import { HttpApiMiddleware } from "effect/http-api";
import { Problem } from "./problem.ts";
import { problemResponse } from "./problem-response.ts";

export class RequestErrors extends HttpApiMiddleware.Service<RequestErrors>()(
  "catena-ai/runtime/http-api/RequestErrors",
) {}

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1();

export const requestErrorsLayer: Layer.Layer<RequestErrors> =
  HttpApiMiddleware.layerSchemaErrorTransform(RequestErrors, ({ cause, kind }) => {
    const detail = `Not as expected: the ${kind.toLowerCase()} of the request`;
    const errors = formatIssues(cause.issue).issues.map(({ path, message }) => ({
      path: (path ?? [])
        .map((part) => String(typeof part === "object" ? part.key : part))
        .join("."),
      message,
    }));
    return Effect.succeed(problemResponse(new Problem({ status: 400, detail, errors })));
  });
