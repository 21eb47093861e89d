/**
 * Every address of the API under requests made from its own description and by chance, from a seed: no answer
 * says that something broke inside, none shows a stack, a path, a secret or another tenant's job, and each has
 * a status that the description names. What an operation needs is there in every round (jobs that stand in every
 * way, letters, a file), and the rounds go on until each operation has found it, whatever the seed.
 */
import { Effect, Schema } from "effect";
import { expect, it } from "vitest";
import { Catena, Pipeline, PolicyFailure, ProviderFailure, Step } from "../../../src/index.ts";
import { makeChance } from "../../reliability/simulation/chance.ts";
import { admin, ask, base, Brief, holderOf, quick } from "./support/api.ts";
import {
  type DescribedOperation,
  madeRequest,
  type Known,
  type MadeRequest,
  operationsIn,
} from "./support/described-requests.ts";

const seed = Number(process.env["SEED"] ?? "20260611");
/** For each operation. */
const rounds = 50;
/** More rounds only for what chance has not reached by then: one request in ten does, at the worst. */
const maxRounds = 6 * rounds;

const canary = "canary-in-a-token-5f21";
const failures = [
  new ProviderFailure({ reason: "Unauthorized", provider: "acme", detail: canary }),
  new PolicyFailure({ rule: "no-logos" }),
];

/** Works, fails and breaks by turns. */
const moody = Pipeline.make("moody", { version: 1, input: Brief })
  .step(
    Step.make("mood", {
      input: Brief,
      output: Schema.String,
      fails: ["provider", "policy"],
      run: ({ product }) => {
        const mood = product.length % 4;
        if (mood === 3) throw new TypeError(canary);
        const failure = failures[mood];
        return failure === undefined ? Effect.succeed(product) : Effect.fail(failure);
      },
    }),
  )
  .output(Schema.String, ({ last }) => last);

/** Waits for as long as it takes. */
const asking = Pipeline.make("asking", { version: 1, input: Brief })
  .step(Step.signal("word", { input: Brief, output: Brief }))
  .step(Step.approval("review", { input: Brief }))
  .output(Brief, ({ last }) => last);

const brook = holderOf("brook", ["submit", "read", "operate"], "brook");

/** Beside what is described: what needs no key, webhooks, and what is not there. */
const others: ReadonlyArray<DescribedOperation> = [
  "GET /health/live",
  "GET /health/ready",
  "POST /webhooks/{provider}",
  "PATCH /{anything}",
].map((line) => {
  const [method = "", path = ""] = line.split(" ");
  const parameters = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => {
    return { name, in: "path", schema: {} } as const;
  });
  const body = method === "GET" ? null : { type: "application/json", samples: [{}] };
  return { method, path, parameters, body, statuses: new Set([200, 401, 404, 503]) };
});

/** These say less than a success that is described: a stream that is over, a file that is known, a part of it. */
const lessThanDescribed = new Set([204, 206, 304]);

/** A moody job for each of its moods, and two that wait: one paused, one on its way. */
const freshJobs = async (catena: Catena) => {
  const make = async (path: string, body: Brief, prefer = "wait=20"): Promise<string> =>
    Schema.decodeUnknownSync(Schema.Struct({ job_id: Schema.String }))(
      (await ask(catena, path, { body, headers: { prefer } })).json,
    ).job_id;
  const moods = ["tea4", "tea55", "tea666", "tea7777"];
  const ids = {
    moody: await Promise.all(moods.map((product) => make("/moody", { product }))),
    asking: await Promise.all(moods.slice(2).map((product) => make("/asking", { product }, ""))),
  };
  await ask(catena, `/asking/${ids.asking[0]}/pause`, { method: "POST" });
  return ids;
};

/** What the operation may name: jobs of its own pipeline, where it is of one. */
const knownTo = (
  { path }: DescribedOperation,
  known: Known,
  ids: Awaited<ReturnType<typeof freshJobs>>,
): Known => {
  const own = path.startsWith("/moody/")
    ? ids.moody
    : path.startsWith("/asking/")
      ? ids.asking
      : null;
  const jobs = own ?? [...ids.moody, ...ids.asking, ...(known.get("job_id") ?? [])];
  // A dead letter has the id of its job.
  return new Map([...known, ["job_id", jobs], ["id", [...ids.moody, ...(known.get("id") ?? [])]]]);
};

const send = (catena: Catena, made: MadeRequest, secret: string | null) => {
  if (secret !== null) made.headers.set("authorization", `Bearer ${secret}`);
  const { method, headers, body } = made;
  const signal = AbortSignal.timeout(5_000);
  return catena.fetch(
    new Request(`${base}${made.path}`, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    }),
  );
};

/** The text of the answer; of a stream nothing, which other tests read. */
const textOf = async (told: Response): Promise<string> => {
  if (told.headers.get("content-type")?.startsWith("text/event-stream") !== true)
    return told.text();
  await told.body?.cancel();
  return "";
};

interface Answer {
  readonly where: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const expectSafe = ({ where, status, headers, text }: Answer, statuses: ReadonlySet<number>) => {
  expect(status < 500 || status === 503, `${where} answered ${status}: ${text}`).toBe(true);
  const isDescribed = statuses.has(status) || lessThanDescribed.has(status);
  expect(isDescribed, `${where} answered ${status}, which is not described: ${text}`).toBe(true);
  // An operator reads where it went wrong; callers do not.
  const shown = text.replaceAll(/"error_message":"[^"]*"/g, "");
  expect(shown, where).not.toMatch(/\bat .*:\d+:\d+|\.ts\b|node_modules|file:\/\//);
  for (const secret of [admin.secret, brook.secret, canary])
    expect(shown, where).not.toContain(secret);
  if (status >= 400 && status !== 416)
    expect(headers.get("content-type"), where).toMatch(/^application\/problem\+json/);
};

it(`answers nothing but 503 in the five hundreds, and shows nothing of what is inside (seed ${seed})`, async () => {
  await using catena = await Catena.start({
    ...quick,
    pipelines: [moody, asking],
    http: { keys: [admin.key, brook.key], requestsPerMinute: 1_000_000 },
  });
  const described = operationsIn((await ask(catena, "/openapi.json")).json, seed);
  const chance = makeChance(seed);
  // Grows while the requests run: what one answer names, the next requests ask for.
  const known = new Map<string, Array<string>>(
    described.flatMap(({ parameters }) => parameters.map(({ name }) => [name, []])),
  );
  known.set("pipeline", ["moody"]);
  const file = {
    method: "POST",
    body: "%PDF-1.7 a paper",
    headers: { "content-type": "application/pdf" },
  };
  known.set("sha256", [(await ask(catena, "/assets", file)).json.sha256]);
  const learnFrom = (text: string) => {
    for (const [name, values] of known) {
      const value = new RegExp(`"(?:next_)?${name}":"([^"]+)"`).exec(text)?.[1];
      if (value === undefined || values.includes(value)) continue;
      // Later ones take the place of some: jobs of each pipeline, at each stage.
      values[values.length < 10 ? values.length : chance.between(0, 9)] = value;
    }
  };
  const seen = new Map<number, number>();
  const reached = new Set<DescribedOperation>();
  const isUnreached = (one: DescribedOperation) => !reached.has(one);
  for (let round = 0; round < maxRounds; round += 1) {
    const asked = round < rounds ? [...described, ...others] : described.filter(isUnreached);
    if (asked.length === 0) break;
    const ids = await freshJobs(catena);
    for (const operation of asked) {
      const made = madeRequest(operation, chance, knownTo(operation, known, ids));
      const isBrook = chance.isTrue(0.15);
      const secret = isBrook ? brook.secret : chance.isTrue(0.95) ? admin.secret : null;
      const told = await send(catena, made, secret);
      const text = await textOf(told);
      const where = `seed ${seed}, round ${round}: ${made.method} ${made.path}`;
      expectSafe({ where, status: told.status, headers: told.headers, text }, operation.statuses);
      // What brook makes is not learned: whatever is known is of others.
      const foreign = [...(known.get("job_id") ?? []), ...ids.moody, ...ids.asking];
      if (isBrook) for (const id of foreign) expectUnknown(made, text, id);
      else if (told.ok) learnFrom(text);
      // A job that has no use for what is asked has been found as well.
      if (told.ok || told.status === 409) reached.add(operation);
      seen.set(told.status, (seen.get(told.status) ?? 0) + 1);
    }
  }
  const unreached = described.filter(isUnreached).map(({ method, path }) => `${method} ${path}`);
  expect(unreached, `seed ${seed}: operations that nothing reached`).toEqual([]);
  for (const status of [200, 202, 400, 401, 404, 409, 422])
    expect(seen.get(status) ?? 0, `seed ${seed}: answers with ${status}`).toBeGreaterThan(0);
}, 60_000);

/** Who asked for it by its id is told the id again at most, in no answer that is there. */
const expectUnknown = (made: MadeRequest, text: string, jobId: string) => {
  if (!made.path.includes(jobId)) expect(text, `${made.method} ${made.path}`).not.toContain(jobId);
};
