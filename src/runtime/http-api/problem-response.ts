/** Problems as the router and the reference have them. */
import { Schema } from "effect";
import { HttpServerResponse } from "effect/http";
import { HttpApiSchema } from "effect/http-api";
import { Issue } from "../../steps/failure.ts";
import { bodyOf, contentType, type Problem, type ProblemStatus, titles } from "./problem.ts";

export const problemResponse = (problem: Problem): HttpServerResponse.HttpServerResponse => {
  const { status, headers } = problem;
  const options = { status, contentType, headers: { "cache-control": "no-store", ...headers } };
  return HttpServerResponse.jsonUnsafe(bodyOf(problem), options);
};

/** The problems an operation may answer with, for the reference. */
export const problemSchemas = (...statuses: ReadonlyArray<ProblemStatus>) =>
  statuses.map((status) =>
    Schema.Struct({
      type: Schema.String,
      title: Schema.Literal(titles[status]),
      status: Schema.Literal(status),
      detail: Schema.String,
      errors: Schema.optionalKey(Schema.Array(Issue)),
    })
      .annotate({ httpApiStatus: status, description: titles[status] })
      .pipe(HttpApiSchema.asJson({ contentType })),
  );
