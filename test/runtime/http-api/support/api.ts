/** A Catena whose API is called as any client calls it, with keys whose secrets are made for the test. */
import { Schema } from "effect";
import {
  type ApiKey,
  Catena,
  newApiKey,
  Pipeline,
  type RuntimeOptions,
  type Scope,
  Step,
} from "../../../../src/index.ts";

export const quick = { lookEvery: "10 millis" } as const;
export const base = "http://catena.test";

export const Brief = Schema.Struct({
  product: Schema.NonEmptyString,
  copies: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThan(0))),
  lines: Schema.optionalKey(Schema.Array(Schema.Struct({ text: Schema.String }))),
});
export type Brief = typeof Brief.Type;

/** One step that does what the test says; the output is `{ slogan }`. */
export const posterOf = (run: (brief: Brief) => Promise<string> | string, version = 1) =>
  Pipeline.make("poster", { version, input: Brief })
    .step(Step.make("slogan", { input: Brief, output: Schema.String, run }))
    .output(Schema.Struct({ slogan: Schema.String }), ({ last }) => ({ slogan: last }));

export interface Holder {
  readonly secret: string;
  readonly key: ApiKey;
}

export const holderOf = (id: string, scopes: ReadonlyArray<Scope>, tenant?: string): Holder => {
  const { secret, sha256 } = newApiKey();
  return { secret, key: { id, sha256, scopes, ...(tenant === undefined ? {} : { tenant }) } };
};

export const admin = holderOf("admin", ["submit", "read", "operate"]);

type Fetcher = Pick<Catena, "fetch">;

export interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the admin's. */
  readonly secret?: string | null;
}

/** What came back; `json` is null where the body is none. */
export interface Told {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- what a response holds is looked at by matchers, which take anything
  readonly json: any;
  readonly text: string;
}

export const ask = async (
  { fetch }: Fetcher,
  path: string,
  { method, body, headers = {}, secret = admin.secret }: Asked = {},
): Promise<Told> => {
  const isJson = body !== undefined && typeof body !== "string";
  const response = await fetch(
    new Request(`${base}${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
    }),
  );
  const text = await response.text();
  const { status } = response;
  const type = response.headers.get("content-type") ?? "";
  const isJsonText = text !== "" && /json/.test(type);
  const json: unknown = isJsonText ? JSON.parse(text) : null;
  return { status, headers: response.headers, json, text };
};

export const startApi = (
  pipeline: ReturnType<typeof posterOf>,
  options: RuntimeOptions = {},
): Promise<Catena> =>
  Catena.start({
    ...quick,
    ...options,
    pipelines: [pipeline],
    http: { keys: [admin.key], ...options.http },
  });
