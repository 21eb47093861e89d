/**
 * What models write while they write it: seen by who listens, in order, before the job is over. A job knows
 * nothing of it: whatever listeners and connections do, its journal and its outcome are the same.
 */
import { Effect, Schedule, Stream } from "effect";
import { describe, expect, it } from "vitest";
import {
  Catena,
  CatenaService,
  CatenaStopped,
  type Delta,
  type Job,
  JobUnavailable,
} from "../../src/index.ts";
import { sloganOf, writingModel, type WritingModel } from "./support/writing-model.ts";

const quick = { lookEvery: "10 millis", pollEvery: "10 millis" } as const;
const answer = '{"slogan":"Cold to the last mile"}';

const start = (model: WritingModel, pipeline = sloganOf()) =>
  Catena.start({ ...quick, pipelines: [pipeline], models: model.client });

type AnyJob = Pick<Job<unknown>, "deltas">;

/** Reads until there is as much text; then the listener leaves. */
const readUntil = async (job: AnyJob, length: number): Promise<ReadonlyArray<Delta>> => {
  const deltas: Array<Delta> = [];
  for await (const delta of job.deltas()) {
    deltas.push(delta);
    if (delta.offset + delta.text.length >= length) break;
  }
  return deltas;
};

const textOf = (deltas: ReadonlyArray<Delta>): string =>
  deltas.reduce((text, delta) => text.slice(0, delta.offset) + delta.text, "");

/** Until the connection is there: a function's predictions are quick, and nothing says so. */
const listening = (model: WritingModel) => expect.poll(() => model.open(), { interval: 1 }).toBe(1);

describe("what a model writes", () => {
  it("is seen piece by piece, before the job is over", async () => {
    const model = writingModel();
    const pipeline = sloganOf();
    await using catena = await start(model, pipeline);
    const job = await catena.submit(pipeline, "a bottle");
    const deltas = job.deltas()[Symbol.asyncIterator]();
    const pen = await model.pen(1);
    await pen.write(answer.slice(0, 10));
    const call = { step: "write", attempt: 1, call: 1 };
    expect((await deltas.next()).value).toEqual({ ...call, offset: 0, text: answer.slice(0, 10) });
    await pen.write(answer.slice(10));
    expect((await deltas.next()).value).toEqual({ ...call, offset: 10, text: answer.slice(10) });
    expect((await job.state()).record.status).toBe("processing");
    await pen.end();
    expect(await deltas.next()).toEqual({ done: true, value: undefined });
    expect(await job.result()).toEqual({ slogan: "Cold to the last mile" });
    expect(model.open()).toBe(0);
  });

  it("is in one piece for who comes late, and nothing for who comes too late", async () => {
    const model = writingModel();
    const pipeline = sloganOf();
    await using catena = await start(model, pipeline);
    const job = await catena.submit(pipeline, "a bottle");
    const pen = await model.pen(1);
    for (const piece of answer) await pen.write(piece);
    const early = await readUntil(job, answer.length);
    const [whole] = await Promise.all([
      readUntil(job, answer.length),
      readUntil(job, answer.length),
    ]);
    expect(textOf(early)).toBe(answer);
    expect(whole).toEqual([{ step: "write", attempt: 1, call: 1, offset: 0, text: answer }]);
    await pen.end();
    await job.result();
    expect(await readUntil(job, 1)).toEqual([]);
  });

  it("says which call it is of: a repair takes the place of what came before", async () => {
    const model = writingModel();
    const pipeline = sloganOf({ repair: 1 });
    await using catena = await start(model, pipeline);
    const job = await catena.submit(pipeline, "a bottle");
    const reading = readUntil(job, answer.length);
    const first = await model.pen(1);
    await listening(model);
    await first.write("no idea");
    await expect.poll(() => model.opened()).toBe(1);
    await first.end();
    const second = await model.pen(2);
    await second.write(answer);
    const deltas = await reading;
    expect(deltas.at(-1)).toEqual({ step: "write", attempt: 1, call: 2, offset: 0, text: answer });
    expect(textOf(deltas)).toBe(answer);
    await second.end();
    expect(await job.result()).toEqual({ slogan: "Cold to the last mile" });
  });
});

describe("a connection to the provider", () => {
  it("is there only while somebody listens, and one for all of them", async () => {
    const model = writingModel();
    const pipeline = sloganOf();
    await using catena = await start(model, pipeline);
    const job = await catena.submit(pipeline, "a bottle");
    const pen = await model.pen(1);
    await pen.write("Cold");
    await expect.poll(async () => (await job.state()).predictions[0]?.state).toBe("accepted");
    expect(model.opened()).toBe(0);
    const listeners = Array.from({ length: 20 }, () => job.deltas()[Symbol.asyncIterator]());
    const heard = await Promise.all(listeners.map((listener) => listener.next()));
    expect(heard.map(({ value }: { readonly value?: Delta }) => value?.text)).toEqual(
      listeners.map(() => "Cold"),
    );
    expect(model.opened()).toBe(1);
    const [last, ...others] = listeners;
    for (const listener of others) await listener.return?.();
    await pen.write(" to the last mile");
    expect((await last?.next())?.value).toMatchObject({ offset: 4, text: " to the last mile" });
    await last?.return?.();
    await model.silence();
    expect([model.opened(), model.open()]).toEqual([1, 0]);
    const again = await readUntil(job, 21);
    expect(textOf(again)).toBe("Cold to the last mile");
    await model.silence();
  });

  it("ends with its prediction, and all of them with the process", async () => {
    const model = writingModel();
    const pipeline = sloganOf();
    const catena = await start(model, pipeline);
    const job = await catena.submit(pipeline, "a bottle");
    const deltas = job.deltas()[Symbol.asyncIterator]();
    const pen = await model.pen(1);
    await pen.write("Cold");
    await deltas.next();
    const next = deltas.next();
    await catena.stop();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(model.open()).toBe(0);
    const late = job.deltas()[Symbol.asyncIterator]();
    await expect(late.next()).rejects.toBeInstanceOf(CatenaStopped);
  });

  const flood = Stream.repeat(Stream.make("x".repeat(65_536)), Schedule.forever);
  const dying: Stream.Stream<never> = Stream.die(new Error("canary"));
  const broken: ReadonlyArray<readonly [string, () => Stream.Stream<string>]> = [
    [
      "throws",
      () => {
        throw new Error("canary");
      },
    ],
    ["dies", () => Stream.concat(Stream.make("Co"), dying)],
    ["never says anything", () => Stream.never],
    ["ends at once", () => Stream.empty],
    // What an adapter of a user may do whatever its type says.
    ["says no texts", () => Stream.make(7, null, {}) as unknown as Stream.Stream<string>],
    ["says far too much", () => flood],
  ];

  it.each(broken)("that %s changes nothing but what is seen", async (_, streamed) => {
    const journal = async (isHeard: boolean) => {
      const model = writingModel(streamed);
      const pipeline = sloganOf();
      await using catena = await start(model, pipeline);
      const job = await catena.submit(pipeline, "a bottle");
      const pen = await model.pen(1);
      const deltas: Array<Delta> = [];
      const reading = (async () => {
        if (isHeard) for await (const delta of job.deltas()) deltas.push(delta);
      })();
      if (isHeard) await expect.poll(() => model.opened(), { interval: 1 }).toBe(1);
      await pen.write(answer);
      await pen.end();
      const result = await job.result();
      await reading;
      await model.silence();
      const { entries, predictions } = await job.state();
      expect(JSON.stringify(entries)).not.toMatch(/canary|xxxx/);
      const types = entries.map(({ type }) => type);
      return { result, types, states: predictions.map(({ state, status }) => [state, status]) };
    };
    expect(await journal(true)).toEqual(await journal(false));
  });
});

describe("a listener who reads slowly", () => {
  it("gets larger pieces, loses what is too much to keep, and costs no more than that", async () => {
    const model = writingModel();
    const pipeline = sloganOf();
    await using catena = await start(model, pipeline);
    const job = await catena.submit(pipeline, "a bottle");
    const slow = job.deltas()[Symbol.asyncIterator]();
    const quickly = job.deltas()[Symbol.asyncIterator]();
    const pen = await model.pen(1);
    await pen.write("0");
    await Promise.all([slow.next(), quickly.next()]);
    const line = "x".repeat(999);
    for (let written = 0; written < 1_000; written += 1) await pen.write(line);
    let length = 1;
    while (length < 999_001) {
      const { value } = await quickly.next();
      length = value.offset + value.text.length;
    }
    const { value } = await slow.next();
    expect(value.text.length).toBeLessThanOrEqual(131_072);
    expect(value.offset).toBeGreaterThan(1);
    let [end, pieces] = [value.offset + value.text.length, 1];
    while (end < 999_001) {
      const next = await slow.next();
      end = next.value.offset + next.value.text.length;
      pieces += 1;
    }
    expect(pieces).toBeLessThan(4);
    await slow.return?.();
    await quickly.return?.();
  });
});

it("is a stream of its own for hosts that use Effect", async () => {
  const model = writingModel();
  const pipeline = sloganOf();
  await Effect.gen(function* () {
    const service = yield* CatenaService;
    const { jobId } = yield* service.submit(pipeline, "a bottle");
    const pen = yield* Effect.promise(() => model.pen(1));
    yield* Effect.promise(() => pen.write(answer));
    const [delta] = yield* Stream.runCollect(Stream.take(service.deltas(jobId), 1));
    expect(delta?.text).toBe(answer);
    const nobody = yield* Effect.flip(Stream.runDrain(service.deltas("nobody")));
    expect(nobody).toBeInstanceOf(JobUnavailable);
    yield* Effect.promise(() => pen.end());
    expect(yield* service.outcome(pipeline, jobId)).toMatchObject({ status: "complete" });
    expect(yield* Stream.runCollect(service.deltas(jobId))).toEqual([]);
  }).pipe(
    Effect.provide(Catena.layer({ ...quick, pipelines: [pipeline], models: model.client })),
    Effect.runPromise,
  );
});
