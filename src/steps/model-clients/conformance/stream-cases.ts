/** What a client that streams promises: a view of what a model writes, in order, which never fails. */
import assert from "node:assert/strict";
import { Effect, Fiber, Option, Stream } from "effect";
import type { ModelClient, StreamedPrediction } from "../../model-client.ts";
import { check, ended, type ModelClientCase, requestOf } from "./case.ts";

/** What is written until it is as long as the text, in as many parts as the client likes. */
const writtenUntil = (client: ModelClient, prediction: StreamedPrediction, text: string) => {
  const parts = client.stream?.(prediction) ?? Stream.empty;
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

export const streamCases: ReadonlyArray<ModelClientCase> = [
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
