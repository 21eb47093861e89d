/**
 * What every ModelClient promises, as cases that any test runner can run against an adapter. A case makes
 * its own predictions and counts on no others being absent, so all may share one provider.
 */
import assert from "node:assert/strict";
import { Clock, Effect, Result, type Schema } from "effect";
import { isTerminal, type Prediction } from "./model-client.ts";
import {
  check,
  deadlineMs,
  ended,
  type ModelClientCase,
  requestOf,
} from "./model-clients/conformance/case.ts";
import { streamCases } from "./model-clients/conformance/stream-cases.ts";

export type { ModelClientCase, ModelClientSubject } from "./model-clients/conformance/case.ts";

const idsOf = (predictions: ReadonlyArray<Prediction>): ReadonlyArray<string> =>
  predictions.map(({ id }) => id);

const isJson = (value: Schema.Json): boolean => {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  assert.deepEqual(copy, value);
  return true;
};

export const modelClientCases: ReadonlyArray<ModelClientCase> = [
  {
    name: "an accepted prediction has an id under which it is found again",
    run: Effect.fnUntraced(function* ({ client, succeeding }) {
      const submitted = yield* client.submit(requestOf(succeeding));
      const found = yield* client.get(submitted.id);
      yield* check(() => {
        assert.notEqual(submitted.id, "");
        assert.equal(found.id, submitted.id);
      });
    }),
  },
  {
    name: "a prediction that succeeds has an output, its times and no error",
    run: Effect.fnUntraced(function* (subject) {
      const { id } = yield* subject.client.submit(requestOf(subject.succeeding));
      const prediction = yield* ended(subject, id);
      yield* check(() => {
        assert.equal(prediction.status, "succeeded");
        assert.notEqual(prediction.output, null);
        assert.equal(prediction.error, null);
        assert.ok(prediction.createdAt !== null && prediction.completedAt !== null);
        // Either may be cut down to its second.
        assert.ok(prediction.createdAt - prediction.completedAt < 1_000);
        assert.ok(!prediction.isDataRemoved);
      });
    }),
  },
  {
    name: "a prediction that fails says why and has no output",
    run: Effect.fnUntraced(function* (subject) {
      const { id } = yield* subject.client.submit(requestOf(subject.failing));
      const prediction = yield* ended(subject, id);
      yield* check(() => {
        assert.equal(prediction.status, "failed");
        assert.equal(prediction.output, null);
        assert.ok(prediction.error !== null && prediction.error !== "");
      });
    }),
  },
  {
    name: "a cancelled prediction ends, and a look confirms it",
    run: Effect.fnUntraced(function* (subject) {
      const { id } = yield* subject.client.submit(requestOf(subject.endless));
      yield* subject.client.cancel(id);
      const prediction = yield* ended(subject, id);
      yield* check(() => assert.match(prediction.status, /^(?:canceled|aborted)$/));
    }),
  },
  {
    name: "cancelling what has ended changes nothing",
    run: Effect.fnUntraced(function* (subject) {
      const { id } = yield* subject.client.submit(requestOf(subject.succeeding));
      const before = yield* ended(subject, id);
      yield* subject.client.cancel(id);
      const after = yield* subject.client.get(id);
      yield* check(() => {
        assert.equal(after.status, "succeeded");
        assert.deepEqual(after.output, before.output);
      });
    }),
  },
  {
    name: "the provider ends a prediction at its deadline",
    run: Effect.fnUntraced(function* (subject) {
      const { id } = yield* subject.client.submit(requestOf(subject.endless));
      const running = yield* subject.client.get(id);
      yield* subject.passTime(deadlineMs + 1_000);
      const prediction = yield* ended(subject, id);
      yield* check(() => {
        assert.ok(!isTerminal(running.status));
        assert.match(prediction.status, /^(?:canceled|aborted)$/);
      });
    }),
  },
  {
    name: "a provider that can find lists what was created since, each once, equal inputs too",
    run: Effect.fnUntraced(function* (subject) {
      const { client, succeeding } = subject;
      if (!client.canFind) return;
      const earlier = yield* client.submit(requestOf(succeeding));
      yield* ended(subject, earlier.id);
      yield* subject.passTime(10_000);
      const first = yield* client.submit(requestOf(succeeding));
      const second = yield* client.submit(requestOf(succeeding));
      yield* ended(subject, second.id);
      const since = (yield* client.get(first.id)).createdAt ?? (yield* Clock.currentTimeMillis);
      const found = idsOf(yield* client.find(since));
      yield* check(() => {
        for (const { id } of [first, second]) {
          assert.equal(found.filter((each) => each === id).length, 1);
        }
        assert.ok(!found.includes(earlier.id));
      });
    }),
  },
  {
    name: "a found prediction can be matched by its key or by its input",
    run: Effect.fnUntraced(function* (subject) {
      if (!subject.client.canFind) return;
      const request = requestOf(subject.succeeding);
      const { id } = yield* subject.client.submit(request);
      const { createdAt } = yield* ended(subject, id);
      const found = yield* subject.client.find(createdAt ?? 0);
      const match = found.find((prediction) => prediction.id === id);
      yield* check(() => {
        assert.ok(match !== undefined);
        assert.ok(match.key === null || match.key === request.key);
        assert.deepEqual(match.input, request.input);
        assert.notEqual(match.source, "web");
      });
    }),
  },
  {
    name: "what a provider showed is kept whole, as JSON",
    run: Effect.fnUntraced(function* (subject) {
      const { id } = yield* subject.client.submit(requestOf(subject.succeeding));
      const { raw } = yield* ended(subject, id);
      yield* check(() => {
        assert.ok(isJson(raw));
        assert.ok(JSON.stringify(raw).includes(id));
      });
    }),
  },
  {
    name: "a model that does not exist is a definite no",
    run: Effect.fnUntraced(function* ({ client, unknownModel }) {
      const result = yield* Effect.result(
        client.submit(requestOf({ model: unknownModel, input: {} })),
      );
      yield* check(() => {
        assert.ok(Result.isFailure(result) && result.failure._tag === "SubmitRejected");
        assert.ok(!result.failure.failure.isRetryable);
      });
    }),
  },
  {
    name: "an input that the model refuses is a definite no that names the field",
    run: Effect.fnUntraced(function* ({ client, refused }) {
      const result = yield* Effect.result(client.submit(requestOf(refused)));
      yield* check(() => {
        assert.ok(Result.isFailure(result) && result.failure._tag === "SubmitRejected");
        const { failure } = result.failure;
        assert.ok(failure._tag === "ValidationFailure" && failure.at === "request");
        assert.ok(failure.issues.length > 0);
      });
    }),
  },
  {
    name: "a prediction that does not exist is a failure",
    run: Effect.fnUntraced(function* ({ client }) {
      const looked = yield* Effect.flip(client.get("no-such-prediction"));
      const cancelled = yield* Effect.flip(client.cancel("no-such-prediction"));
      yield* check(() => {
        assert.deepEqual([looked.status, cancelled.status], [404, 404]);
        assert.equal(looked.reason, "BadResponse");
      });
    }),
  },
  {
    name: "a model describes itself, and one that does not exist is a failure",
    run: Effect.fnUntraced(function* ({ client, succeeding, unknownModel }) {
      const description = yield* client.describe(succeeding.model);
      const again = yield* client.describe(succeeding.model);
      const failure = yield* Effect.flip(client.describe(unknownModel));
      yield* check(() => {
        assert.equal(description.model, succeeding.model);
        // The same object, so that what was compiled from it is found again.
        assert.equal(again, description);
        assert.equal(failure._tag, "ProviderFailure");
      });
    }),
  },
  {
    name: "a small file is presented inside its URL, and comes back from it",
    run: Effect.fnUntraced(function* ({ client }) {
      const bytes = new TextEncoder().encode("a,b\n1,2\n");
      const url = yield* client.present({ bytes, contentType: "text/csv" }, "0".repeat(64));
      const file = yield* client.download(url);
      yield* check(() => {
        assert.ok(url.startsWith("data:text/csv"));
        assert.equal(file.contentType, "text/csv");
        assert.deepEqual([...file.bytes], [...bytes]);
      });
    }),
  },
  {
    name: "files are not fetched from anywhere else",
    run: Effect.fnUntraced(function* ({ client }) {
      const elsewhere = [
        "http://169.254.169.254/latest",
        "https://files.example/x.png",
        "file:///etc/hosts",
        "x",
      ];
      for (const url of elsewhere) {
        const failure = yield* Effect.flip(client.download(url));
        yield* check(() => {
          assert.equal(failure.reason, "BadResponse");
          assert.ok(!failure.isRetryable);
        });
      }
    }),
  },
  ...streamCases,
];
