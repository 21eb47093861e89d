/**
 * What every ModelClient promises, as cases that any test runner can run against an adapter. A case makes
 * its own predictions and counts on no others being absent, so all may share one provider.
 */
import assert from "node:assert/strict";
import { Clock, Effect, Fiber, Option, Result, type Schema, Stream } from "effect";
import {
  isTerminal,
  type ModelClient,
  type Prediction,
  type StreamedPrediction,
  type SubmitRequest,
} from "./model-client.ts";

type ModelCall = Pick<SubmitRequest, "model" | "input">;

/** A client with the models that the cases need, and the provider's clock in the test's hand. */
export interface ModelClientSubject {
  readonly client: ModelClient;
  /** Succeeds by itself, with an output. */
  readonly succeeding: ModelCall;
  /** Fails by itself, with an error. */
  readonly failing: ModelCall;
  /** Runs until it is ended. */
  readonly endless: ModelCall;
  /** Has an input that the model's own schema refuses. */
  readonly refused: ModelCall;
  /** A well-formed name of a model that does not exist. */
  readonly unknownModel: string;
  /** Writes a text as the case tells it, until it is ended; absent where the client streams nothing. */
  readonly writing?: ModelCall & {
    readonly write: (id: string, parts: ReadonlyArray<string>) => Effect.Effect<void>;
  };
  /** Lets this much time (ms) pass at the provider, and unfinished work go on. */
  readonly passTime: (ms: number) => Effect.Effect<void>;
}

export interface ModelClientCase {
  readonly name: string;
  /** Dies with an AssertionError where the promise is broken. */
  readonly run: (subject: ModelClientSubject) => Effect.Effect<void, unknown>;
}

const check = (assertion: () => void): Effect.Effect<void> => Effect.sync(assertion);

const deadlineMs = 60_000;
let calls = 0;

/** A key that no other case has used. */
const requestOf = (call: ModelCall): SubmitRequest => {
  calls += 1;
  return { ...call, key: `conformance-${calls}`, cancelAfterMs: deadlineMs };
};

/** Looks until the prediction has ended; an honest provider needs far fewer looks. */
const maxLooks = 200;

const ended = Effect.fnUntraced(function* ({ client, passTime }: ModelClientSubject, id: string) {
  for (let look = 1; look < maxLooks; look += 1) {
    const prediction = yield* client.get(id);
    if (isTerminal(prediction.status)) return prediction;
    yield* passTime(1);
  }
  return yield* client.get(id);
});

const idsOf = (predictions: ReadonlyArray<Prediction>): ReadonlyArray<string> =>
  predictions.map(({ id }) => id);

const isJson = (value: Schema.Json): boolean => {
  const copy: unknown = JSON.parse(JSON.stringify(value));
  assert.deepEqual(copy, value);
  return true;
};

/** What is written until it is as long as the text, in as many parts as the client likes. */
const writtenUntil = ({ stream }: ModelClient, prediction: StreamedPrediction, text: string) => {
  const parts = stream?.(prediction) ?? Stream.empty;
  const sums = Stream.scan(
    parts,
    () => "",
    (sum, part) => sum + part,
  );
  const last = Stream.runLast(Stream.takeUntil(sums, (sum) => sum.length >= text.length));
  return Effect.map(
    last,
    Option.getOrElse(() => ""),
  );
};

const streamCases: ReadonlyArray<ModelClientCase> = [
  {
    name: "what a model writes is seen while it runs, in order, by each who asks",
    run: Effect.fnUntraced(function* ({ client, writing }) {
      if (writing === undefined) return;
      const { model } = writing;
      const { id } = yield* client.submit(requestOf(writing));
      const early = yield* Effect.forkChild(
        writtenUntil(client, { id, model }, "Once upon a time"),
      );
      yield* writing.write(id, ["Once", " upon"]);
      const begun = yield* writtenUntil(client, { id, model }, "Once upon");
      yield* writing.write(id, [" a", " time"]);
      const [all, late] = [
        yield* Fiber.join(early),
        yield* writtenUntil(client, { id, model }, "Once upon a time"),
      ];
      const { status } = yield* client.get(id);
      yield* check(() => {
        assert.deepEqual([begun, all, late], ["Once upon", "Once upon a time", "Once upon a time"]);
        assert.equal(status, "processing");
      });
      yield* client.cancel(id);
    }),
  },
  {
    name: "a stream ends with its prediction",
    run: Effect.fnUntraced(function* ({ client, writing }) {
      if (writing === undefined) return;
      const { id } = yield* client.submit(requestOf(writing));
      const { model } = writing;
      const whole = yield* Effect.forkChild(writtenUntil(client, { id, model }, "endless"));
      yield* writing.write(id, ["end"]);
      yield* writtenUntil(client, { id, model }, "end");
      yield* client.cancel(id);
      assert.equal(yield* Fiber.join(whole), "end");
    }),
  },
  {
    name: "a stream of what is not there, is over or writes nothing ends without a failure",
    run: Effect.fnUntraced(function* (subject) {
      const { client, succeeding, failing } = subject;
      const predictions = [{ id: "no-such-prediction", model: succeeding.model }];
      for (const call of [succeeding, failing]) {
        const { id } = yield* client.submit(requestOf(call));
        yield* ended(subject, id);
        predictions.push({ id, model: call.model });
      }
      predictions.push({ id: predictions[1]?.id ?? "", model: subject.unknownModel });
      for (const prediction of predictions)
        yield* Stream.runDrain(client.stream?.(prediction) ?? Stream.empty);
    }),
  },
];

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
