/** What models write among a job's events: who sees it, without ids, and gone with the line it came over. */
import { Effect, Stream } from "effect";
import { describe, expect, it } from "vitest";
import { Catena } from "../../../src/index.ts";
import { sloganOf, writingModel, type WritingModel } from "../support/writing-model.ts";
import { admin, ask, base, type Holder, holderOf, quick } from "./support/api.ts";

const answer = '{"slogan":"Cold to the last mile"}';
const reader = holderOf("reader", ["read"], "acme");
const shop = holderOf("shop", ["submit", "read"], "acme");
const stranger = holderOf("stranger", ["submit", "read"], "other");

const start = (model: WritingModel, pipeline: ReturnType<typeof sloganOf>) =>
  Catena.start({
    ...quick,
    pollEvery: "10 millis",
    pipelines: [pipeline],
    models: model.client,
    http: { keys: [admin, reader, shop, stranger].map(({ key }) => key) },
  });

const submit = async (catena: Catena): Promise<string> => {
  const { json } = await ask(catena, "/slogan", { body: '"a bottle"', secret: shop.secret });
  return json.links.events;
};

interface Line {
  /** The blocks that came, without comments and `retry`. */
  readonly blocks: ReadonlyArray<string>;
  /** Resolves once a block matches, or the stream has ended. */
  readonly until: (pattern: RegExp) => Promise<string | undefined>;
  readonly hangUp: () => Promise<void>;
  readonly status: number;
}

/** An open line to a job's events. */
const listen = async (
  catena: Catena,
  path: string,
  { secret }: Holder,
  after?: string,
): Promise<Line> => {
  const headers = new Headers({ authorization: `Bearer ${secret}` });
  if (after !== undefined) headers.set("last-event-id", after);
  const response = await catena.fetch(new Request(`${base}${path}`, { headers }));
  const blocks: Array<string> = [];
  const waiting = new Set<() => void>();
  const body = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let [rest, isOver] = ["", false];
  const reading = (async () => {
    for (;;) {
      const { done, value } = (await body?.read()) ?? { done: true, value: undefined };
      if (done) break;
      const parts = `${rest}${value}`.split("\n\n");
      rest = parts.pop() ?? "";
      blocks.push(...parts.filter((part) => !/^(?::|retry)/.test(part)));
      for (const wake of waiting) wake();
    }
    isOver = true;
    for (const wake of waiting) wake();
  })();
  return {
    status: response.status,
    blocks,
    until: async (pattern) => {
      for (;;) {
        const found = blocks.find((block) => pattern.test(block));
        if (found !== undefined || isOver) return found;
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    hangUp: async () => {
      await body?.cancel();
      await reading;
    },
  };
};

const isDelta = (block: string): boolean => block.startsWith("event: delta\n");

describe("deltas among the events", () => {
  it("come while the model writes, without an id, and before what follows from them", async () => {
    const model = writingModel();
    await using catena = await start(model, sloganOf({ stream: true }));
    const path = await submit(catena);
    const line = await listen(catena, path, reader);
    const pen = await model.pen(1);
    await pen.write(answer);
    const delta = await line.until(/^event: delta/);
    expect(delta).toMatch(/^event: delta\ndata: [^\n]+$/);
    expect(JSON.parse(delta?.replace(/^.*\ndata: /, "") ?? "")).toEqual({
      step: "write",
      attempt: 1,
      call: 1,
      offset: 0,
      text: answer,
    });
    await pen.end();
    await line.until(/event: end/);
    const words = line.blocks.map(
      (block) => /"type":"(\w+)"/.exec(block)?.[1] ?? block.slice(0, 12),
    );
    expect(words.indexOf("event: delta")).toBeLessThan(words.indexOf("StepSucceeded"));
    expect(words.at(-1)).toMatch(/^id: \d+\.end/);
    expect(model.open()).toBe(0);
  });

  it("are of an operator's line only, where the step does not say that they are for all", async () => {
    const model = writingModel();
    await using catena = await start(model, sloganOf());
    const path = await submit(catena);
    const line = await listen(catena, path, reader);
    await line.until(/PredictionIntended/);
    const pen = await model.pen(1);
    await pen.write("canary");
    expect(model.opened()).toBe(0);
    const operator = await listen(catena, path, admin);
    expect(await operator.until(/^event: delta/)).toContain("canary");
    await operator.hangUp();
    await model.silence();
    await pen.end();
    await line.until(/event: end/);
    expect(line.blocks.filter(isDelta)).toEqual([]);
    expect(line.blocks.join("\n")).not.toContain("canary");
    expect(model.opened()).toBe(1);
  });

  it("are nobody's who may not read the job", async () => {
    const model = writingModel();
    await using catena = await start(model, sloganOf({ stream: true }));
    const path = await submit(catena);
    const pen = await model.pen(1);
    await pen.write("canary");
    const nobody = { ...stranger, secret: "ck_nobody" };
    expect((await listen(catena, path, stranger)).status).toBe(404);
    expect((await listen(catena, path, nobody)).status).toBe(401);
    expect(model.opened()).toBe(0);
  });

  it("leave the last id to the journal: who comes back goes on after it, with the text so far", async () => {
    const model = writingModel();
    await using catena = await start(model, sloganOf({ stream: true }));
    const path = await submit(catena);
    const first = await listen(catena, path, reader);
    const pen = await model.pen(1);
    await pen.write("Cold");
    await first.until(/^event: delta/);
    const entries = first.blocks.filter((block) => !isDelta(block));
    const after = /^id: (\d+)\n/.exec(entries.at(-1) ?? "")?.[1] ?? "";
    await first.hangUp();
    await model.silence();
    await pen.write(" to the last mile");
    const second = await listen(catena, path, reader, after);
    const delta = await second.until(/to the last mile/);
    expect(delta).toMatch(/"offset":0|"offset":4/);
    await pen.end();
    await second.until(/event: end/);
    const ids = second.blocks.flatMap((block) => /^id: (\d+)\n/.exec(block)?.[1] ?? []);
    expect(Math.min(...ids.map(Number))).toBeGreaterThan(Number(after));
  });

  it("are not waited for: a provider that never writes keeps no story open", async () => {
    const model = writingModel(() => Stream.never);
    await using catena = await start(model, sloganOf({ stream: true }));
    const path = await submit(catena);
    const line = await listen(catena, path, reader);
    const pen = await model.pen(1);
    await expect.poll(() => model.open()).toBe(1);
    await pen.write(answer);
    await pen.end();
    expect(await line.until(/event: end/)).toContain('"status":"complete"');
    await model.silence();
  });

  it("end with the service, and a line that was cut takes its connection with it", async () => {
    const model = writingModel();
    const catena = await start(model, sloganOf({ stream: true }));
    const path = await submit(catena);
    const [cut, open] = [await listen(catena, path, reader), await listen(catena, path, reader)];
    const pen = await model.pen(1);
    await pen.write("Cold");
    await Promise.all([cut.until(/^event: delta/), open.until(/^event: delta/)]);
    await cut.hangUp();
    expect(model.open()).toBe(1);
    await catena.stop({ within: "1 second" });
    expect(await open.until(/event: end/)).toBeUndefined();
    expect([model.opened(), model.open()]).toEqual([1, 0]);
  });

  it("cannot be made to break out of their line", async () => {
    const evil = 'x\n\nid: 1\nevent: end\ndata: {"status":"complete"}\r\n\r\n\u2028</script>';
    const model = writingModel(() => Stream.concat(Stream.make(evil), Stream.never));
    await using catena = await start(model, sloganOf({ stream: true }));
    const line = await listen(catena, await submit(catena), reader);
    const delta = (await line.until(/^event: delta/)) ?? "";
    expect(delta.split(/\r\n|\r|\n/)).toHaveLength(2);
    expect(JSON.parse(delta.replace(/^.*\ndata: /, "")).text).toBe(evil);
    await line.hangUp();
  });
});

it("cost nothing where nobody listens: no provider is asked for a stream", async () => {
  const model = writingModel(() => Stream.fromEffect(Effect.die("asked")));
  await using catena = await start(model, sloganOf({ stream: true }));
  const path = (await submit(catena)).replace("/events", "");
  const pen = await model.pen(1);
  await pen.write(answer);
  await pen.end();
  const waited = { headers: { prefer: "wait=10" }, secret: reader.secret };
  expect((await ask(catena, path, waited)).json.status).toBe("complete");
  expect(model.opened()).toBe(0);
});
