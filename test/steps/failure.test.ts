/** Failures as stored data: nothing is lost on the way to the journal and back, and nothing leaks to a user. */
import { assert, describe, expect, it, test } from "@effect/vitest";
import {
  decodeFailure,
  encodeFailure,
  Failure,
  kindOf,
  operatorMessageOf,
  PolicyFailure,
  ProviderFailure,
  ProviderReason,
  safeMessageOf,
  TimeoutFailure,
  ValidationFailure,
} from "../../src/steps/failure.ts";

describe("any failure", () => {
  it.prop("comes back from its stored JSON as it was", [Failure], ([failure]) => {
    const stored = JSON.stringify(encodeFailure(failure));
    const back = decodeFailure(JSON.parse(stored));
    assert.strictEqual(JSON.stringify(encodeFailure(back)), stored);
    assert.strictEqual(back.constructor, failure.constructor);
    assert.strictEqual(back.message, failure.message);
  });

  it.prop("says of its stored form what it says itself", [Failure], ([failure]) => {
    const stored = encodeFailure(failure);
    assert.strictEqual(kindOf(stored), failure.kind);
    assert.strictEqual(safeMessageOf(stored), failure.safeMessage);
    assert.strictEqual(operatorMessageOf(stored), failure.message);
  });
});

describe("a validation failure", () => {
  const issues = [
    { path: "tone", message: "expected text" },
    { path: "", message: "too short" },
  ];

  test("names every issue with its path", () => {
    expect(new ValidationFailure({ at: "output", issues }).message).toBe(
      "The output is not valid: tone: expected text; too short",
    );
  });

  test("is never helped by a plain retry", () => {
    expect(new ValidationFailure({ at: "output", issues }).isRetryable).toBe(false);
  });

  test("gives users their own input's issues back, and nothing a model wrote", () => {
    expect(new ValidationFailure({ at: "input", issues }).safeMessage).toContain("expected text");
    expect(new ValidationFailure({ at: "request", issues }).safeMessage).not.toContain(
      "expected text",
    );
    expect(new ValidationFailure({ at: "output", issues }).safeMessage).not.toContain(
      "expected text",
    );
  });
});

test.for([
  ["attempt", true],
  ["boot", true],
  ["step", false],
] as const)("a timeout of the %s may be tried again: %s", ([awaited, isRetryable]) => {
  expect(new TimeoutFailure({ timeoutMs: 50, awaited })).toMatchObject({
    isRetryable,
    message: `The ${awaited} took longer than 50 ms`,
  });
});

describe("a provider failure", () => {
  const make = (options: { readonly reason: ProviderReason; readonly isPermanent?: boolean }) =>
    new ProviderFailure({ provider: "replicate", detail: "the raw detail", ...options });

  test("is retried for what may pass by itself, and only for that", () => {
    const final = ProviderReason.literals.filter((reason) => !make({ reason }).isRetryable);
    expect(final).toEqual(["Unauthorized", "OutcomeUnknown"]);
  });

  test("is not retried where the provider says that it will fail again", () => {
    for (const reason of ProviderReason.literals) {
      expect(make({ reason, isPermanent: true }).isRetryable).toBe(false);
    }
  });

  test("tells the operator who and what, the user neither detail", () => {
    const failure = make({ reason: "Unavailable" });
    expect(failure.message).toBe("replicate: Unavailable: the raw detail");
    expect(failure.safeMessage).not.toContain("the raw detail");
  });
});

test("a policy failure names its rule and categories and is never retried", () => {
  const failure = new PolicyFailure({ rule: "nsfw", categories: ["a", "b"], scores: { a: 0.9 } });
  expect(failure).toMatchObject({ isRetryable: false, message: "Blocked by the rule nsfw (a, b)" });
  expect(failure.safeMessage).toBe("The content was not accepted: nsfw.");
});

test.for([Number.NaN, Number.POSITIVE_INFINITY])(
  "a failure with the number %d cannot be made, as JSON could not keep it",
  (score) => {
    expect(() => new PolicyFailure({ rule: "nsfw", scores: { a: score } })).toThrow();
  },
);

test("of a defect the user reads only that the step failed; the operator reads where", () => {
  const defect = { _tag: "Defect", message: "x is undefined", at: "chain.ts:7" } as const;
  expect(kindOf(defect)).toBe("defect");
  expect(safeMessageOf(defect)).toBe("step failed");
  expect(operatorMessageOf(defect)).toBe("x is undefined (chain.ts:7)");
  expect(operatorMessageOf({ _tag: "Defect", message: "no stack" })).toBe("no stack");
});
