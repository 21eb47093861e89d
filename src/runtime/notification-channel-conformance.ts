/** What every NotificationChannel promises, as cases that any test runner can run against an adapter. */
import assert from "node:assert/strict";
import { inspect } from "node:util";
import { Effect, Fiber, Result } from "effect";
import type { Notification, NotificationChannel } from "./notification-channel.ts";

/** What the receiver does with whatever comes: `hang` is never to answer. */
export type ReceiverAnswer = "take" | "refuse" | "refuseForGood" | "hang";

/** A channel to a receiver that is in the test's hand. */
export interface ChannelSubject {
  readonly channel: NotificationChannel;
  /** What the receiver has taken, in its order. */
  readonly received: () => ReadonlyArray<Pick<Notification, "id" | "data">>;
  /** How many tries have reached the receiver, taken or not. */
  readonly tries: () => number;
  /** What becomes of every try from now on; at first all are taken. */
  readonly answer: (answer: ReceiverAnswer) => void;
  /** Lets this much time (ms) pass for the channel. */
  readonly passTime: (ms: number) => Effect.Effect<void>;
  /** What the channel was made with and may show to nobody. */
  readonly secrets: ReadonlyArray<string>;
}

export interface NotificationChannelCase {
  readonly name: string;
  /** Dies with an AssertionError where the promise is broken. Takes a subject of its own. */
  readonly run: (subject: ChannelSubject) => Effect.Effect<void, unknown>;
}

const check = (assertion: () => void): Effect.Effect<void> => Effect.sync(assertion);

const of = (
  id: string,
  data: Notification["data"] = { job_id: "j", pipeline: "p" },
): Notification => ({
  id,
  type: "job.complete",
  at: 1_700_000_000_000,
  data,
});

/** What breaks where texts are put into headers, lines or other texts. */
const unusual = {
  pipeline: "p\r\nBcc: nobody@example.com",
  job_id: "ünusual ☃ '\"\\",
  lines: ".\n..\n.\r\n.\r\n",
  long: "x".repeat(3_000),
};

const idsIn = ({ received }: ChannelSubject): ReadonlyArray<string> =>
  received().map(({ id }) => id);

/** Looks, in real time and without the channel's clock, until a try has come. */
const reached = ({ tries }: ChannelSubject, count: number): Effect.Effect<void> =>
  Effect.promise(async () => {
    for (let look = 0; look < 1_000 && tries() < count; look += 1)
      await new Promise((resolve) => {
        setTimeout(resolve, 5);
      });
    assert.ok(tries() >= count, `expected ${count} tries to reach the receiver, got ${tries()}`);
  });

const failureOf = Effect.fnUntraced(function* (subject: ChannelSubject, id: string) {
  const result = yield* Effect.result(subject.channel.deliver(of(id)));
  assert.ok(Result.isFailure(result), `expected ${id} to be refused`);
  return result.failure;
});

const refusalCases: ReadonlyArray<NotificationChannelCase> = [
  {
    name: "a refusal may pass: the next try arrives, under the same id",
    run: Effect.fnUntraced(function* (subject) {
      subject.answer("refuse");
      const failure = yield* failureOf(subject, "evt_1");
      subject.answer("take");
      yield* subject.channel.deliver(of("evt_1"));
      yield* check(() => {
        assert.equal(failure.isPermanent, false);
        assert.deepEqual(idsIn(subject), ["evt_1"]);
      });
    }),
  },
  {
    name: "a refusal for good says so",
    run: Effect.fnUntraced(function* (subject) {
      subject.answer("refuseForGood");
      const failure = yield* failureOf(subject, "evt_1");
      yield* check(() => {
        assert.equal(failure.isPermanent, true);
        assert.deepEqual(subject.received(), []);
      });
    }),
  },
  {
    name: "a receiver that never answers is given up within a minute",
    run: Effect.fnUntraced(function* (subject) {
      subject.answer("hang");
      const fiber = yield* Effect.forkChild(Effect.result(subject.channel.deliver(of("evt_1"))), {
        startImmediately: true,
      });
      yield* reached(subject, 1);
      yield* subject.passTime(60_000);
      const result = yield* Fiber.join(fiber);
      yield* check(() => {
        assert.ok(Result.isFailure(result) && !result.failure.isPermanent);
      });
    }),
  },
  {
    name: "an interrupted delivery ends at once",
    run: Effect.fnUntraced(function* (subject) {
      subject.answer("hang");
      const fiber = yield* Effect.forkChild(subject.channel.deliver(of("evt_1")), {
        startImmediately: true,
      });
      yield* reached(subject, 1);
      yield* Fiber.interrupt(fiber);
      subject.answer("take");
      yield* subject.channel.deliver(of("evt_2"));
      yield* check(() => assert.deepEqual(idsIn(subject), ["evt_2"]));
    }),
  },
  {
    name: "neither a failure nor the channel itself shows a secret",
    run: Effect.fnUntraced(function* (subject) {
      const shown: Array<string> = [inspect(subject.channel, { depth: 9, showHidden: true })];
      for (const answer of ["refuse", "refuseForGood"] as const) {
        subject.answer(answer);
        const failure = yield* failureOf(subject, `evt_${answer}`);
        shown.push(failure.message, JSON.stringify(failure), inspect(failure, { depth: 9 }));
      }
      yield* check(() => {
        for (const secret of subject.secrets)
          assert.ok(!shown.some((text) => text.includes(secret)), "a secret is shown");
      });
    }),
  },
];

export const notificationChannelCases: ReadonlyArray<NotificationChannelCase> = [
  {
    name: "what was delivered arrives with its id and all that it tells",
    run: Effect.fnUntraced(function* (subject) {
      yield* subject.channel.deliver(of("evt_0-a_Z", unusual));
      yield* check(() =>
        assert.deepEqual(subject.received(), [{ id: "evt_0-a_Z", data: unusual }]),
      );
    }),
  },
  {
    name: "a repetition arrives under the same id",
    run: Effect.fnUntraced(function* (subject) {
      yield* subject.channel.deliver(of("evt_1"));
      yield* subject.channel.deliver(of("evt_1"));
      yield* check(() => assert.deepEqual(idsIn(subject), ["evt_1", "evt_1"]));
    }),
  },
  {
    name: "many at once arrive, each once",
    run: Effect.fnUntraced(function* (subject) {
      const ids = Array.from({ length: 8 }, (_, index) => `evt_${index}`);
      yield* Effect.forEach(ids, (id) => subject.channel.deliver(of(id)), {
        concurrency: "unbounded",
      });
      yield* check(() => assert.deepEqual([...idsIn(subject)].sort(), ids));
    }),
  },
  ...refusalCases,
];
