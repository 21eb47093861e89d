/** A job's events: the whole story, resumed after the last id, over restarts, alive while nothing happens. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect } from "effect";
import { afterAll, describe, expect, it } from "vitest";
import { Catena, ProviderFailure } from "../../../src/index.ts";
import { chainOf, gatedWork, newScript } from "../support/chains.ts";
import { admin, ask, base, posterOf, quick, startApi } from "./support/api.ts";

const folder = await mkdtemp(join(tmpdir(), "catena-events-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Event {
  readonly id: string;
  readonly event: string;
  readonly data: { readonly type?: string; readonly step?: string; readonly status?: string };
}

interface Reading {
  readonly after?: string;
  readonly until?: (event: Event) => boolean;
  /** Ends with the first sign of life. */
  readonly untilAlive?: boolean;
}

/** Reads events until the claim holds or the stream ends; then lets the stream go. */
const read = async (
  catena: Catena,
  path: string,
  { after, until = () => false, untilAlive = false }: Reading = {},
) => {
  const headers = new Headers({ authorization: `Bearer ${admin.secret}` });
  if (after !== undefined) headers.set("last-event-id", after);
  const response = await catena.fetch(new Request(`${base}${path}`, { headers }));
  const events: Array<Event> = [];
  let [text, comments] = ["", 0];
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  reading: for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (done) break;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      if (block.startsWith(":")) comments += 1;
      const event = eventOf(block);
      if (event !== null) events.push(event);
      if (event === null ? untilAlive && comments > 0 : until(event)) {
        await reader?.cancel();
        break reading;
      }
    }
  }
  return { status: response.status, events, comments, headers: response.headers };
};

const eventOf = (block: string): Event | null => {
  const found = /^id: ([\d.a-z]+)\nevent: (\w+)\ndata: (.*)$/.exec(block);
  if (found === null) return null;
  const [, id = "", event = "", data = ""] = found;
  return { id, event, data: JSON.parse(data) };
};

const wordOf = ({ event, data: { type, step, status } }: Event): string =>
  event === "end" ? `end ${status}` : step === undefined ? `${type}` : `${type} ${step}`;

describe("GET /{pipeline}/{job_id}/events", () => {
  it("tells what came before, then what comes, to the end", async () => {
    const gate = gatedWork("second");
    const chain = chainOf(newScript({ second: gate.work }));
    await using catena = await Catena.start({
      ...quick,
      pipelines: [chain],
      http: { keys: [admin.key] },
    });
    const { json } = await ask(catena, "/chain", { body: '"x"' });
    const told = await read(catena, json.links.events, {
      until: ({ data }) => {
        if (data.type === "StepSucceeded" && data.step === "first") gate.open();
        return false;
      },
    });
    expect(told.headers.get("content-type")).toContain("text/event-stream");
    expect(told.events.map(wordOf)).toEqual([
      "JobSubmitted",
      "JobStarted",
      ...["first", "second", "third"].flatMap((step) => [
        `StepStarted ${step}`,
        `StepSucceeded ${step}`,
      ]),
      "JobCompleted",
      "end complete",
    ]);
    const ids = told.events.slice(0, -1).map(({ id }) => Number(id));
    expect(ids).toEqual(ids.toSorted((one, other) => one - other));
  });

  it("goes on after the last id, also in another process after a restart, with nothing twice", async () => {
    const gate = gatedWork("second");
    const store = join(folder, "restart.db");
    const options = { ...quick, store, http: { keys: [admin.key] } };
    const before = await Catena.start({
      ...options,
      pipelines: [chainOf(newScript({ second: gate.work }))],
    });
    const { json } = await ask(before, "/chain", { body: '"x"' });
    const { events } = json.links;
    const first = await read(before, events, {
      until: ({ data }) => data.type === "StepSucceeded",
    });
    await before.stop();
    await using after = await Catena.start({ ...options, pipelines: [chainOf(newScript())] });
    const rest = await read(after, events, { after: first.events.at(-1)?.id ?? "" });
    const whole = await read(after, events);
    expect([...first.events, ...rest.events]).toEqual(whole.events);
    expect(whole.events.map(wordOf).at(-1)).toBe("end complete");
    const over = await read(after, events, { after: whole.events.at(-1)?.id ?? "" });
    expect(over).toMatchObject({ status: 204, events: [] });
    const last = await read(after, events, { after: whole.events.at(-2)?.id ?? "" });
    expect(last.events.map(wordOf)).toEqual(["end complete"]);
  });

  it("shows that it is alive while nothing happens, and ends when the service stops", async () => {
    const gate = Promise.withResolvers<string>();
    const catena = await startApi(
      posterOf(() => gate.promise),
      { http: { heartbeatEvery: "20 millis" } },
    );
    const { json } = await ask(catena, "/poster", { body: { product: "x" } });
    const reading = read(catena, json.links.events);
    const alive = await read(catena, json.links.events, { untilAlive: true });
    expect(alive).toMatchObject({ status: 200, comments: 1 });
    await catena.stop();
    const told = await reading;
    expect(told.events.map(wordOf)).not.toContain("end complete");
    gate.resolve("");
  });

  it("tells of failures their kind and a safe sentence", async () => {
    const secret = new ProviderFailure({
      reason: "Unavailable",
      provider: "acme",
      detail: "canary-5",
    });
    const chain = chainOf(newScript({ first: () => Effect.fail(secret) }));
    await using catena = await Catena.start({
      ...quick,
      pipelines: [chain],
      http: { keys: [admin.key] },
    });
    const { json } = await ask(catena, "/chain", { body: '"x"' });
    const { events } = await read(catena, json.links.events);
    expect(events.find(({ data }) => data.type === "StepFailed")?.data).toMatchObject({
      kind: "provider",
      message: "A model provider could not finish the work.",
    });
    expect(JSON.stringify(events)).not.toMatch(/canary|acme|owner/);
  });

  it.each(["x", "-1", "1.5", "99", "9".repeat(20)])("refuses %s as a last id", async (after) => {
    await using catena = await startApi(posterOf(() => ""));
    const { json } = await ask(catena, "/poster", { body: { product: "x" } });
    expect((await read(catena, json.links.events, { after })).status).toBe(400);
  });
});
