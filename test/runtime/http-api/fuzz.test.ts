/**
 * Every address of the API under requests made by its own description and by chance, from a seed: no answer
 * says that something broke inside, none shows a stack, a path or a secret.
 */
import { Arbitrary, Effect, Schema } from "effect";
import { expect, it } from "vitest";
import { Catena, Pipeline, PolicyFailure, ProviderFailure, Step } from "../../../src/index.ts";
import { admin, base, Brief, quick } from "./support/api.ts";

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

const sampled = <A>(schema: Schema.Codec<A, unknown>, seed: number, count: number) =>
  Effect.runSync(Arbitrary.sampleEffect(Arbitrary.schema(schema), { seed, count, size: 6 }));

const Word = Schema.String.check(Schema.isMaxLength(12));
const Part = Schema.Union([Word, Schema.Literals(["moody", "x", "..", "%2f", "a".repeat(3_000)])]);
const Request_ = Schema.Struct({
  address: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 })),
  parts: Schema.Array(Part).check(Schema.isMinLength(2), Schema.isMaxLength(2)),
  known: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 })),
  query: Schema.Array(
    Schema.Tuple([
      Schema.Literals(["status", "kind", "from", "limit", "cursor", "text", "job_id", "raw"]),
      Word,
    ]),
  ),
  body: Schema.Union([Brief, Schema.Json, Word]),
  isText: Schema.Boolean,
  key: Schema.optionalKey(Schema.Literals(["k", "", "x".repeat(300)])),
  prefer: Schema.optionalKey(Schema.Literals(["wait=0", "wait=99999999999", "wait=-1", ",,;;="])),
  range: Schema.optionalKey(Schema.Literals(["bytes=0-", "bytes=9-1", "x"])),
  last: Schema.optionalKey(Schema.Literals(["0", "99", "x"])),
});

const asHeader = (values: Record<string, string | undefined>): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) headers.set(name, value);
  return headers;
};

it("answers nothing but 503 in the five hundreds, and shows nothing of what is inside", async () => {
  const seed = Number(process.env["SEED"] ?? "20260611");
  const keys = [{ ...admin.key }];
  const options = {
    ...quick,
    pipelines: [moody, asking],
    http: { keys, requestsPerMinute: 1_000_000 },
  } as const;
  await using catena = await Catena.start(options);
  const described = await catena.fetch(new Request(`${base}/openapi.json`));
  const { paths } = Schema.decodeUnknownSync(
    Schema.Struct({
      paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown)),
    }),
  )(await described.json());
  const addresses = [
    ...Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ path, method: method.toUpperCase() })),
    ),
    { path: "/webhooks/{provider}", method: "POST" },
    { path: "/asking/{job_id}/signals/{anything}", method: "POST" },
    { path: "/asking/{job_id}/signals/{anything}", method: "GET" },
    { path: "/{anything}", method: "PATCH" },
  ];
  const jobIds: Array<string> = [];
  const seen = new Map<number, number>();
  for (const [index, made] of sampled(Request_, seed, 600).entries()) {
    const { path, method } = addresses[made.address % addresses.length] ?? {
      path: "/",
      method: "GET",
    };
    let place = 0;
    const filled = path.replaceAll(/\{\w+\}/g, () => {
      const known = jobIds[made.known];
      place += 1;
      return (
        known ?? encodeURIComponent((made.parts[place - 1] ?? "").replaceAll(/\p{Surrogate}/gu, ""))
      );
    });
    const query = new URLSearchParams(
      made.query.map(([name, value]): [string, string] => [name, value]),
    );
    const body =
      method === "POST" || method === "PATCH"
        ? made.isText
          ? typeof made.body === "string"
            ? made.body
            : "{"
          : JSON.stringify(made.body)
        : undefined;
    const told = await catena.fetch(
      new Request(`${base}${filled}?${query.toString()}`, {
        method,
        headers: asHeader({
          authorization: `Bearer ${admin.secret}`,
          "content-type": "application/json",
          "idempotency-key": made.key,
          prefer: made.prefer === "wait=99999999999" ? undefined : made.prefer,
          range: made.range,
          "last-event-id": made.last,
        }),
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(5_000),
      }),
    );
    const isStream = told.headers.get("content-type")?.startsWith("text/event-stream") === true;
    // An operator reads where it went wrong; callers do not.
    const text = (isStream ? "" : await told.text()).replaceAll(/"error_message":"[^"]*"/g, "");
    if (isStream) await told.body?.cancel();
    const where = `seed ${seed}, request ${index}: ${method} ${filled}`;
    expect(
      told.status < 500 || told.status === 503,
      `${where} answered ${told.status}: ${text}`,
    ).toBe(true);
    expect(text, where).not.toMatch(/\bat .*:\d+:\d+|\.ts\b|node_modules|file:\/\//);
    expect(text, where).not.toContain(admin.secret);
    expect(text, where).not.toContain(canary);
    if (told.status >= 400 && told.status !== 416)
      expect(told.headers.get("content-type"), where).toMatch(/^application\/problem\+json/);
    const id = /"job_id":"([^"]+)"/.exec(text)?.[1];
    if (id !== undefined && jobIds.length < 10) jobIds.push(id);
    seen.set(told.status, (seen.get(told.status) ?? 0) + 1);
  }
  // The requests reached what they were made for.
  for (const status of [200, 202, 400, 404, 409, 422])
    expect(seen.get(status) ?? 0, `seed ${seed}: answers with ${status}`).toBeGreaterThan(0);
}, 60_000);
