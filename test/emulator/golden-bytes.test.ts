/**
 * Bodies byte for byte: key order, escapes, number forms and the line end behind errors are the recorded ones of the
 * real service (or of its documentation, where nothing was recorded). Ids, addresses and instants are put in brackets.
 */
import { describe, expect, test } from "vitest";
import type { Emulator, EmulatorOptions } from "../../emulator/src/emulator.ts";
import { wireJson } from "../../emulator/src/http/wire-json.ts";
import {
  call,
  createConcept,
  finished,
  FLUX,
  instantEmulator,
  LLAMA,
  NSFW_VERSION,
  post,
} from "./emulator-client.ts";

const VERSION = "97116600cabd3037e5f22ca08ffcc33b92cfacebf7ccd3609e9c1d29e43d3a8d";
const PNG = "data:image/png;base64,iVBORw0KGgo=";

/** The body with everything that differs from run to run replaced by what it is. */
function bracketed(text: string, { url }: Pick<Emulator, "url">): string {
  return text
    .replaceAll(url, "<origin>")
    .replaceAll(/"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z"/gu, '"<instant>"')
    .replaceAll(/(?<=\/streams\/|\/files\/bcwr-)[0-9a-z]{52}/gu, "<token>")
    .replaceAll(/(?<="id":"|\/predictions\/|\/p\/)[0-9a-z]{26}/gu, "<id>")
    .replaceAll(/(?<="total_time":)[\d.e-]+/gu, "<seconds>")
    .replaceAll(/(?<=\/delivery\/)[\w-]{32}/gu, "<path>");
}

async function golden(emulator: Emulator, response: Response | Promise<Response>): Promise<string> {
  return bracketed(await (await response).text(), emulator);
}

const URLS =
  '"urls":{"cancel":"<origin>/v1/predictions/<id>/cancel","get":"<origin>/v1/predictions/<id>"';
const TEXT_URLS = `${URLS},"stream":"<origin>/v1/streams/<token>","web":"<origin>/p/<id>"}`;
const FILE_URLS = `${URLS},"stream":"<origin>/v1/files/bcwr-<token>","web":"<origin>/p/<id>"}`;

describe("predictions", () => {
  test("a new one has no output and no metrics, and its texts are escaped as Go's JSON does", async () => {
    const emulator = await instantEmulator({ bootMs: 3_600_000 });
    const body = { input: { prompt: "<b>Lamp</b> & co" } };
    expect(await golden(emulator, post(emulator, `/v1/models/${LLAMA}/predictions`, body))).toBe(
      `{"id":"<id>","model":"${LLAMA}","version":"hidden","input":{"prompt":"\\u003cb\\u003eLamp\\u003c/b\\u003e \\u0026 co"},"logs":"emulated: toy model stands in for ${LLAMA}\\n","data_removed":false,"error":null,"source":"api","status":"starting","created_at":"<instant>",${TEXT_URLS}}`,
    );
  });

  test("a finished answer to Prefer: wait says processing and holds its files", async () => {
    const emulator = await instantEmulator();
    const body = { input: { prompt: "x" } };
    const answer = post(emulator, `/v1/models/${FLUX}/predictions`, body, { prefer: "wait=10" });
    const text = await golden(emulator, answer);
    expect(text.replace(/(?<=base64,)[A-Za-z0-9+/=]+/u, "<bytes>")).toBe(
      `{"id":"<id>","model":"${FLUX}","version":"hidden","input":{"prompt":"x"},"logs":"emulated: toy model, canned answer\\n","output":["data:image/png;base64,<bytes>"],"data_removed":false,"error":null,"source":"api","status":"processing","created_at":"<instant>",${FILE_URLS}}`,
    );
    expect((await answer).headers.get("preference-applied")).toBe("wait=10");
    expect((await answer).status).toBe(201);
  });

  test("a later look has its end, its metrics and the files' addresses", async () => {
    const emulator = await instantEmulator();
    const made = await post(emulator, `/v1/models/${FLUX}/predictions`, { input: { prompt: "x" } });
    const { id } = (await made.json()) as { readonly id: string };
    await finished(emulator, id);
    expect(await golden(emulator, call(emulator, `/v1/predictions/${id}`))).toBe(
      `{"id":"<id>","model":"${FLUX}","version":"hidden","input":{"prompt":"x"},"logs":"emulated: toy model, canned answer\\n","output":["<origin>/delivery/<path>/out-0.png"],"data_removed":false,"error":null,"source":"api","status":"succeeded","created_at":"<instant>","started_at":"<instant>","completed_at":"<instant>","metrics":{"predict_time":0.001,"image_count":1,"total_time":<seconds>},${FILE_URLS}}`,
    );
  });

  test("one that was cancelled before its start ran for 3e-06 seconds", async () => {
    const emulator = await instantEmulator({ bootMs: 3_600_000 });
    const { id } = await createConcept(emulator, { input: { prompt: "x" } });
    expect(await golden(emulator, post(emulator, `/v1/predictions/${id}/cancel`, {}))).toBe(
      `{"id":"<id>","model":"${LLAMA}","version":"hidden","input":{"prompt":"x"},"logs":"emulated: toy model stands in for ${LLAMA}\\n","data_removed":false,"error":null,"source":"api","status":"canceled","created_at":"<instant>","started_at":"<instant>","completed_at":"<instant>","metrics":{"predict_time":3e-06,"total_time":<seconds>},${TEXT_URLS}}`,
    );
  });

  test("one whose hour is over keeps its keys and loses what was in them", async () => {
    const emulator = await instantEmulator();
    const { id } = await createConcept(emulator);
    await finished(emulator, id);
    await emulator.advance(3_600_000);
    expect(await golden(emulator, call(emulator, `/v1/predictions/${id}`))).toContain(
      '"input":{},"logs":"","output":null,"data_removed":true,"error":null',
    );
  });

  test("one with a deadline, a deployment and a webhook says so; a version model has no stream", async () => {
    const emulator = await instantEmulator({ bootMs: 3_600_000 });
    const path = "/v1/deployments/emulated/nsfw_image_detection/predictions";
    const webhook = "http://127.0.0.1:9/hook?customId=123";
    const body = { input: { image: PNG }, webhook, webhook_events_filter: ["completed"] };
    expect(await golden(emulator, post(emulator, path, body, { "cancel-after": "5m" }))).toBe(
      `{"id":"<id>","model":"falcons-ai/nsfw_image_detection","version":"${VERSION}","input":{"image":"${PNG}"},"logs":"emulated: toy model stands in for falcons-ai/nsfw_image_detection\\n","data_removed":false,"error":null,"source":"api","status":"starting","created_at":"<instant>","deadline":"<instant>","deployment":"emulated/nsfw_image_detection","webhook":"${webhook}","webhook_events_filter":["completed"],${URLS},"web":"<origin>/p/<id>"}}`,
    );
  });
});

describe("the rest of the account", () => {
  const file =
    '{"id":"<file>","name":"a.txt","content_type":"text/plain","size":0,"etag":"d41d8cd98f00b204e9800998ecf8427e","checksums":{"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","md5":"d41d8cd98f00b204e9800998ecf8427e"},"metadata":{},"created_at":"2024-08-22T12:26:51.079Z","expires_at":"2024-08-23T12:26:51.079Z","urls":{"get":"<origin>/v1/files/<file>"}}';

  test("files, as recorded", async () => {
    const emulator = await instantEmulator({ now: () => Date.parse("2024-08-22T12:26:51.079Z") });
    const form = new FormData();
    form.set("content", new Blob([""], { type: "text/plain" }), "a.txt");
    const made = await call(emulator, "/v1/files", { method: "POST", body: form });
    const text = await made.text();
    const { id } = JSON.parse(text) as { readonly id: string };
    const plain = (body: string): string =>
      body.replaceAll(id, "<file>").replaceAll(emulator.url, "<origin>");
    expect(made.status).toBe(201);
    expect(made.headers.get("content-type")).toBe("application/json; charset=UTF-8");
    expect(Buffer.from(id, "base64").toString()).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/u);
    expect(plain(text)).toBe(file);
    expect(plain(await (await call(emulator, `/v1/files/${id}`)).text())).toBe(file);
    expect(plain(await (await call(emulator, "/v1/files")).text())).toBe(
      `{"next":null,"previous":null,"results":[${file}]}`,
    );
    const deleted = await call(emulator, `/v1/files/${id}`, { method: "DELETE" });
    expect([deleted.status, await deleted.text()]).toEqual([204, ""]);
    expect(await (await call(emulator, "/v1/files")).text()).toBe(
      '{"next":null,"previous":null,"results":[]}',
    );
  });

  test.each([
    [
      "/v1/hardware",
      '[{"sku":"cpu","name":"CPU"},{"sku":"gpu-t4","name":"Nvidia T4 GPU"},{"sku":"gpu-a40-small","name":"Nvidia A40 GPU"},{"sku":"gpu-a40-large","name":"Nvidia A40 (Large) GPU"}]',
    ],
    ["/v1/account", '{"type":"user","username":"emulated","name":"Emulated Account"}'],
    ["/v1/predictions", '{"next":null,"previous":null,"results":[]}'],
    ["/v1/webhooks/default/secret", '{"key":"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}'],
    [
      "/v1/deployments/emulated/nsfw_image_detection",
      `{"owner":"emulated","name":"nsfw_image_detection","current_release":{"number":1,"model":"falcons-ai/nsfw_image_detection","version":"${VERSION}","created_at":"2024-02-15T16:32:57.018467Z","created_by":{"type":"user","username":"emulated","name":"Emulated Account"},"configuration":{"hardware":"gpu-t4","min_instances":1,"max_instances":5}}}`,
    ],
    [
      `/v1/models/falcons-ai/nsfw_image_detection/versions/${VERSION}`,
      `{"id":"${VERSION}","created_at":"2024-04-17T21:44:58.480057Z","cog_version":"0.9.9","openapi_schema":{"info":{"title":"Cog","version":"0.1.0"},"paths":{},"openapi":"3.0.2","components":{"schemas":{"Input":{"type":"object","title":"Input","required":["image"],"properties":{"image":{"type":"string","format":"uri","title":"Image","description":"Input image","x-order":0}}},"Output":{"type":"string","title":"Output"}}}}}`,
    ],
  ])("%s", async (path, body) => {
    const webhookSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const emulator = await instantEmulator({ webhookSecret });
    expect(await (await call(emulator, path)).text()).toBe(body);
  });
});

describe("errors", () => {
  interface Refusal {
    readonly status: number;
    readonly body: string;
    readonly options?: EmulatorOptions;
    readonly ask?: (emulator: Emulator) => Promise<Response>;
  }
  const create = (body: unknown) => (emulator: Emulator) =>
    post(emulator, `/v1/models/${LLAMA}/predictions`, body);
  const planned = (fault: NonNullable<EmulatorOptions["faults"]>[number]["fault"]) => ({
    faults: [{ match: { operation: "create" }, fault }] as const,
  });
  const refusals: Readonly<Record<string, Refusal>> = {
    "a wrong token": {
      status: 401,
      options: { token: "r8_right" },
      body: '{"title":"Unauthenticated","detail":"You did not pass a valid authentication token","status":401}\n',
    },
    "no credit": {
      status: 402,
      options: { creditUsd: 0 },
      body: '{"title":"Insufficient credit","detail":"You have insufficient credit to run this model. Go to https://replicate.com/account/billing#billing to purchase credit. Once you purchase credit, please wait a few minutes before trying again.","status":402}\n',
    },
    "an unknown prediction": {
      status: 404,
      ask: (emulator) => call(emulator, "/v1/predictions/nope"),
      body: '{"detail":"Prediction not found","status":404}\n',
    },
    "an unknown address": {
      status: 404,
      ask: (emulator) => call(emulator, "/v1/nope"),
      body: '{"detail":"The requested resource could not be found.","status":404}\n',
    },
    "an input of the wrong type": {
      status: 422,
      ask: create({ input: { prompt: [] } }),
      body: '{"detail":"- input.prompt: Invalid type. Expected: string, given: array\\n","status":422,"title":"Input validation failed","invalid_fields":[{"type":"invalid_type","field":"input.prompt","description":"Invalid type. Expected: string, given: array"}]}\n',
    },
    "an input that lacks what is required": {
      status: 422,
      ask: create({ input: {} }),
      body: '{"detail":"- input: prompt is required\\n","status":422,"title":"Input validation failed","invalid_fields":[{"type":"required","field":"input","description":"prompt is required"}]}\n',
    },
    "an unknown version": {
      status: 422,
      ask: (emulator) => post(emulator, "/v1/predictions", { version: "a/b", input: {} }),
      body: `{"title":"Invalid version or not permitted","detail":"The specified version does not exist (or perhaps you don't have permission to use it?)","status":422}\n`,
    },
    "a throttled request, as documented": {
      status: 429,
      options: planned({ type: "rate-limited", retryAfterSeconds: 30, announcedIn: "header" }),
      body: '{"detail":"Request was throttled. Your rate limit resets in ~30s."}\n',
    },
    "a throttled request of an account short of credit, as recorded": {
      status: 429,
      options: planned({ type: "rate-limited", retryAfterSeconds: 5, isLowCredit: true }),
      body: '{"detail":"Request was throttled. Your rate limit for creating predictions is reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~5s.","status":429,"retry_after":5}\n',
    },
    "a body that is no JSON": {
      status: 400,
      ask: (emulator) => call(emulator, "/v1/predictions", { method: "POST", body: "{" }),
      body: '{"title":"Bad request","detail":"The request body is not a JSON object","status":400}\n',
    },
  };

  test.each(Object.entries(refusals))("%s", async (_name, { status, body, options, ask }) => {
    const emulator = await instantEmulator(options);
    const response = await (ask ?? create({ input: { prompt: "x" } }))(emulator);
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.text()).toBe(body);
  });

  test("a recorded 401 is 98 bytes long", async () => {
    const response = await call(await instantEmulator({ token: "r8_right" }), "/v1/account");
    expect(response.headers.get("content-length")).toBe("98");
  });

  test("the edge answers in HTML", async () => {
    const fault = { type: "lost-answer", by: "server-error", applied: false, status: 503 } as const;
    const emulator = await instantEmulator(planned(fault));
    const response = await post(emulator, "/v1/predictions", { version: NSFW_VERSION, input: {} });
    expect(response.headers.get("content-type")).toBe("text/html; charset=UTF-8");
    expect(await response.text()).toBe(
      "<html>\r\n<head><title>503 Error</title></head>\r\n<body>\r\n<center><h1>503 Error</h1></center>\r\n<hr><center>cloudflare (emulated)</center>\r\n</body>\r\n</html>\r\n",
    );
  });
});

test.each([
  [
    { a: 3e-6, b: 0.0001, c: -1.5e-10, d: 0, e: 1e-5 },
    '{"a":3e-06,"b":0.0001,"c":-1.5e-10,"d":0,"e":1e-05}',
  ],
  [["<", "a\u2028b", '"&"'], '["\\u003c","a\\u2028b","\\"\\u0026\\""]'],
  [{ gone: undefined, kept: null }, '{"kept":null}'],
])("%o is written as %s", (value, text) => {
  expect(wireJson(value)).toBe(text);
  expect(JSON.parse(wireJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
});
