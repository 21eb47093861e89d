/** A rule over a value, free and without any model: the same value goes on, or the job fails with what was wrong. */
import { Effect, Result, Schema } from "effect";
import { type Issue, PolicyFailure, ValidationFailure } from "../failure.ts";
import { refuseUnknownOptions } from "../known-options.ts";
import { issuesOf } from "../schema-issues.ts";
import { type AnySchema, type DeclaredFailure, Step } from "../step.ts";

/** True or nothing lets the value through; a sentence or issues say what is wrong with it, a PolicyFailure that it may not go on. */
export type Ruling = boolean | void | undefined | string | ReadonlyArray<Issue> | PolicyFailure;

export interface ValidateOptions<V, W extends V> {
  readonly input: AnySchema<V>;
  /** What the value must be as well; what comes after the step can rely on it. Default: what it is already. */
  readonly schema?: AnySchema<W>;
  /** Looks at what the schema has let through. It must say the same whenever it is asked again. */
  readonly check?: (value: NoInfer<W>) => Ruling;
  /** Whose fault a wrong value is: `input` shows users the issues, `output` does not. Default: output. */
  readonly at?: "input" | "output";
}

const optionNames = Object.keys({
  input: true,
  schema: true,
  check: true,
  at: true,
} satisfies Record<keyof ValidateOptions<unknown, unknown>, true>);

/** A step that hands its input on where it is as it must be. Fails with: ValidationFailure, PolicyFailure. */
export const validate = <const Name extends string, V, W extends V = V>(
  name: Name,
  options: ValidateOptions<V, W>,
): Step<Name, V, W, DeclaredFailure<"policy">, never> => {
  refuseUnknownOptions(name, options, optionNames);
  const { input, check, at = "output" } = options;
  // Without a schema of its own nothing told the compiler what W is: it is V.
  const schema = options.schema ?? (input as AnySchema<W>);
  const decode = Schema.decodeUnknownEffect(Schema.toType(schema), { errors: "all" });
  return Step.make(name, {
    input,
    output: schema,
    fails: ["policy"],
    run: (value) =>
      decode(value).pipe(
        Effect.mapError(({ issue }) => new ValidationFailure({ at, issues: issuesOf(issue) })),
        Effect.flatMap((fitting) => Effect.fromResult(judged(fitting, check?.(fitting), at))),
      ),
  });
};

const judged = <W>(
  value: W,
  ruling: Ruling,
  at: "input" | "output",
): Result.Result<W, ValidationFailure | PolicyFailure> => {
  if (ruling === undefined || ruling === true) return Result.succeed(value);
  if (ruling instanceof PolicyFailure) return Result.fail(ruling);
  const issues = issuesIn(ruling);
  return issues.length === 0
    ? Result.succeed(value)
    : Result.fail(new ValidationFailure({ at, issues }));
};

const issuesIn = (ruling: false | string | ReadonlyArray<Issue>): ReadonlyArray<Issue> => {
  if (ruling === false) return [{ path: "", message: "is not as the step's check wants it" }];
  return typeof ruling === "string" ? [{ path: "", message: ruling }] : ruling;
};
