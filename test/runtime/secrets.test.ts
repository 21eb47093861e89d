/**
 * Canaries in everything that is secret, and a run of everything: jobs that end in every way, requests of
 * every kind by callers of every kind, notifications that nobody takes, the command line, the logs, the files.
 *
 * The invariant: tokens, API keys, webhook secrets, passwords and addresses that are secrets are nowhere. An input is shown to its own tenant and to
 * operators, and stands in no log. What a step or a provider said went wrong is shown to operators alone.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { type FaultRule, startEmulator } from "../../emulator/src/emulator.ts";
import { catena } from "./cli/support/in-process.ts";
import { start } from "./cli/support/process.ts";
import { projectWith } from "./cli/support/project.ts";
import { openMailServer } from "./notification-channels/mail-server.ts";
import { openReceiver, status } from "./notification-channels/webhook-receiver.ts";

const secrets = {
  REPLICATE_API_TOKEN: "r8_canary_token_5c1f0e7a9b",
  REPLICATE_WEBHOOK_SECRET: `whsec_${Buffer.from("canary-webhook-secret-24b").toString("base64")}`,
  CATENA_API_KEYS: "canary-key-of-the-operator-0123456789",
  ACME_KEY: "canary-key-of-the-tenant-acme-0123456789",
  BROOK_KEY: "canary-key-of-the-tenant-brook-0123456789",
  // By their names the command line does not know them for secrets, and would not strike them out.
  HOOK_SIGN: `whsec_${Buffer.from("canary-signing-secret-of-24-bytes").toString("base64")}`,
  HOOK_PLACE: "canary-path-of-a-webhook-that-is-a-token",
  MAIL_WORD: "canary-word-for-the-mail-server",
};
/** What may be shown, but not to everybody. */
const inputs = { acme: "canary-input-of-acme", refused: "canary-input-that-does-not-fit" };
const troubles = {
  THROWN: "canary-thrown-by-a-step",
  DETAIL: "canary-detail-of-a-failure",
  MODEL: "canary-error-of-a-model",
};

const config = `
import { Effect, Schema } from "effect";
import { Notify, Pipeline, PolicyFailure, ProviderFailure, Step } from "catena-ai";

const Brief = Schema.Struct({ mood: Schema.Literals(["well", "bug", "down", "no"]), note: Schema.NonEmptyString });
const line = Step.model("line", {
  input: Brief,
  output: Schema.NonEmptyString,
  model: "meta/meta-llama-3-8b-instruct",
  request: ({ note }) => ({ prompt: note }),
});
const mood = Step.make("mood", {
  input: Brief,
  output: Schema.String,
  fails: ["provider", "policy"],
  run: ({ mood, note }) => {
    if (mood === "bug") throw new TypeError(process.env.THROWN + " " + process.env.ACME_KEY.length);
    if (mood === "down")
      return Effect.fail(new ProviderFailure({ reason: "Unauthorized", provider: "acme", detail: process.env.DETAIL }));
    if (mood === "no") return Effect.fail(new PolicyFailure({ rule: "no-logos", categories: [process.env.DETAIL] }));
    return Effect.succeed(note);
  },
});
const key = (id, secret, scopes) => ({ id, secret, scopes, tenant: id });
export default {
  pipelines: [
    Pipeline.make("wish", { version: 1, input: Brief })
      .step(line)
      .step(mood, ({ input }) => input)
      .output(Schema.Struct({ note: Schema.String }), ({ last }) => ({ note: last })),
  ],
  notifications: {
    hook: {
      channel: Notify.webhook({ url: process.env.HOOK_URL, secret: process.env.HOOK_SIGN, allowPrivate: true }),
      events: ["job.complete", "job.failed", "alert.raised"],
    },
    mail: {
      channel: Notify.email({
        smtp: { host: "127.0.0.1", port: Number(process.env.MAIL_PORT), ignoreTLS: true, auth: { user: "catena" } },
        password: process.env.MAIL_WORD,
        from: "catena@example.com",
        to: "ops@example.com",
      }),
    },
  },
  alerts: { every: "50 millis", deadLetters: { count: 1 }, failureRate: { attempts: 1, share: 0.1 } },
  budgets: { perDayUsd: 100, perTenantDayUsd: 50 },
  limits: { replicate: { concurrency: 10 } },
  pollEvery: "20 millis",
  lookEvery: "20 millis",
  http: {
    keys: [
      key("acme", process.env.ACME_KEY, ["submit", "read"]),
      key("brook", process.env.BROOK_KEY, ["submit", "read", "operate"]),
      { id: "operator", secret: process.env.OPERATOR_KEY, scopes: ["submit", "read", "operate"] },
    ],
    requestsPerMinute: 100_000,
  },
};
`;

type Who = "acme" | "brook" | "operator" | "stranger" | "nobody";
interface Heard {
  readonly who: Who;
  readonly what: string;
  readonly status: number;
  /** Headers and body. */
  readonly text: string;
}

const keys: Readonly<Record<Who, string | null>> = {
  acme: secrets.ACME_KEY,
  brook: secrets.BROOK_KEY,
  operator: secrets.CATENA_API_KEYS,
  stranger: "a-key-that-nobody-here-has-ever-made-out",
  nobody: null,
};

interface Asked {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const client =
  (address: string, heard: Array<Heard>) =>
  async (who: Who, path: string, init: Asked = {}): Promise<Heard> => {
    const key = keys[who];
    const headers = {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      "content-type": "application/json",
      prefer: "wait=20",
      ...init.headers,
    };
    const told = await fetch(`${address}${path}`, { ...init, headers });
    const text = `${JSON.stringify([...told.headers])}\n${await told.text()}`;
    const one = { who, what: `${init.method ?? "GET"} ${path}`, status: told.status, text };
    heard.push(one);
    return one;
  };
type Ask = ReturnType<typeof client>;

const post = (body: unknown): Asked => ({ method: "POST", body: JSON.stringify(body) });
const idIn = ({ text }: Heard): string => /"job_id":"([^"]+)"/.exec(text)?.[1] ?? "";

const modelBreaks: ReadonlyArray<FaultRule> = [
  {
    match: { operation: "create", nth: 5 },
    fault: { type: "outcome", outcome: { kind: "failed", error: troubles.MODEL } },
  },
];

/** Jobs of acme that end in every way; answers their ids. */
const makeJobs = async (ask: Ask): Promise<ReadonlyArray<string>> => {
  const ids: Array<string> = [];
  for (const mood of ["well", "bug", "down", "no", "well"]) {
    const told = await ask("acme", "/wish", post({ mood, note: `${inputs.acme} ${mood}` }));
    expect(told.status).toBe(202);
    ids.push(idIn(told));
  }
  return ids;
};

/** Requests that are wrong in every way. */
const askWrongly = async (ask: Ask): Promise<void> => {
  const { refused } = inputs;
  for (const body of [refused, { mood: refused, note: refused }, { mood: "well", [refused]: 1 }])
    await ask("acme", "/wish", post(body));
  await ask("acme", "/wish", { method: "POST", body: `{"mood": ${refused}` });
  await ask("acme", "/wish", { ...post({}), headers: { "content-type": "text/plain" } });
  await ask("acme", "/assets", { method: "POST", body: "" });
  await ask("operator", "/jobs/retry", post({ [refused]: refused }));
  await ask("operator", `/jobs?status=${refused}&from=${refused}&limit=${refused}`);
  for (const signature of ["", "v1,AAAA", secrets.ACME_KEY])
    await ask("nobody", "/webhooks/replicate?intent=x", {
      ...post({ id: refused }),
      headers: {
        "webhook-id": "m",
        "webhook-timestamp": String(Math.floor(Date.now() / 1_000)),
        "webhook-signature": signature,
      },
    });
};

const askEverything = async (ask: Ask, ids: ReadonlyArray<string>): Promise<void> => {
  const everybody = ["acme", "brook", "operator", "stranger", "nobody"] as const;
  for (const who of everybody) {
    for (const path of ["/openapi.json", "/docs", "/health/live", "/health/ready", "/nothing"])
      await ask(who, path);
    for (const path of ["/jobs", "/jobs?status=failed", `/jobs?text=canary`]) await ask(who, path);
    for (const id of ids)
      for (const path of [`/wish/${id}`, `/wish/${id}/events`, `/jobs/${id}`, `/jobs/${id}/raw`])
        await ask(who, path);
    for (const path of ["/dead-letters", "/dead-letters/causes", "/alerts", "/limits"])
      await ask(who, path);
    await ask(who, `/dead-letters/${ids[2]}/redrive`, post({ fresh: false }));
    await ask(who, "/dead-letters/discard", post({ step: "nobody's" }));
    await ask(who, `/wish/${ids[0]}/cancel`, { method: "POST" });
    await ask(who, `/wish/${ids[1]}/retry`, { method: "POST" });
  }
};

/** Waits until nobody has taken the notifications of each subscription; answers the letters' ids. */
const untilGivenUp = async (ask: Ask): Promise<ReadonlyArray<string>> => {
  while (true) {
    const { text } = await ask("operator", "/dead-letters?kind=undeliverable&limit=200");
    const ids = [...text.matchAll(/"id":"(evt_[^"]+)"/g)].map(([, id = ""]) => id);
    const isThere = (end: RegExp) => ids.some((id) => end.test(id));
    if ([/_hook$/, /_mail$/, /^evt_alert_/].every(isThere)) return ids;
  }
};

const filesUnder = async (folder: string): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter(
    (entry) => entry.isFile() && !entry.parentPath.includes("node_modules"),
  );
  return files.map(({ parentPath, name }) => join(parentPath, name));
};

/** Where any of the words stand, as `where: word`. */
const found = (
  words: Readonly<Record<string, string>>,
  places: ReadonlyArray<readonly [where: string, text: string]>,
): ReadonlyArray<string> =>
  places.flatMap(([where, text]) =>
    Object.entries(words).flatMap(([name, word]) =>
      text.includes(word) ? [`${where}: ${name}`] : [],
    ),
  );

test(
  "secrets are nowhere, inputs with their tenant, troubles with operators",
  { timeout: 90_000 },
  async () => {
    await using emulator = await startEmulator({
      models: "instant",
      token: secrets.REPLICATE_API_TOKEN,
      webhookSecret: secrets.REPLICATE_WEBHOOK_SECRET,
      faults: modelBreaks,
    });
    // Both say everything that they were told, and refuse it.
    await using receiver = await openReceiver(`/${secrets.HOOK_PLACE}`);
    receiver.answer(status(410, { "x-echo": secrets.HOOK_PLACE }, Object.values(secrets).join()));
    await using mailServer = await openMailServer();
    mailServer.answer(`550 no, not with ${secrets.MAIL_WORD}`);
    const { CATENA_API_KEYS: OPERATOR_KEY, ...rest } = secrets;
    const folder = await projectWith({ "catena.config.ts": config });
    const environment = {
      ...rest,
      ...troubles,
      OPERATOR_KEY,
      HOOK_URL: receiver.url,
      MAIL_PORT: String(mailServer.port),
      REPLICATE_BASE_URL: `${emulator.url}/v1`,
    };
    const served = start(["serve"], { folder, environment });
    const [, address = ""] = await served.says(/HTTP API at (http:\S+?),/);
    const heard: Array<Heard> = [];
    const ask = client(address, heard);
    const ids = await makeJobs(ask);
    await askWrongly(ask);
    const letters = await untilGivenUp(ask);
    for (const id of letters) await ask("operator", `/dead-letters/${id}/redrive`, post({}));
    await untilGivenUp(ask);
    await askEverything(ask, ids);
    served.kill("SIGTERM");
    const { out, err } = await served.ended;
    // The commands run in this process, and so does the config.
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    const commands = [];
    for (const words of [
      ["jobs"],
      ["jobs", "--json"],
      ["dead-letters"],
      ["dead-letters", "--json"],
      ["dead-letters", "--causes"],
      ["dead-letters", "redrive", letters[0] ?? ""],
      ["check", "--json"],
      ...ids.flatMap((id) => [
        ["show", id],
        ["show", id, "--json"],
      ]),
    ])
      commands.push(await catena(folder, words, environment));

    const placesOf = (some: ReadonlyArray<Heard>) =>
      some.map(({ who, what, text }) => [`${what} by ${who}`, text] as const);
    const logs = [["the log", out + err]] as const;
    const cli = commands.map((ended, at) => [`command ${at}`, ended.out + ended.err] as const);
    const files = await Promise.all(
      (await filesUnder(folder)).map(
        async (path) => [path, await readFile(path, "latin1")] as const,
      ),
    );
    expect(found(secrets, [...placesOf(heard), ...logs, ...cli, ...files])).toEqual([]);
    expect(found({ ...inputs, ...troubles }, logs)).toEqual([]);
    // Its own tenant and operators only.
    const strangers = heard.filter(({ who }) => who !== "acme" && who !== "operator");
    expect(found(inputs, placesOf(strangers))).toEqual([]);
    // An operator also reads which line of the user's code threw.
    const inside = { ...troubles, stack: "catena.config.ts", folder };
    expect(found(inside, placesOf(heard.filter(({ who }) => who !== "operator")))).toEqual([]);
    // They are where they may be, or this has shown nothing.
    const operators = heard
      .filter(({ who }) => who === "operator")
      .map(({ text }) => text)
      .join("\n");
    for (const word of [...Object.values(troubles), inputs.acme]) expect(operators).toContain(word);
    for (const word of ["answered 410", "the mail server did not take it: EENVELOPE 550"])
      expect(operators).toContain(word);
    expect(mailServer.logins.join("\n")).toContain(secrets.MAIL_WORD);
    expect(commands.map(({ out }) => out).join("\n")).toContain("answered 410");
    // Only who has the subscription can send a notification again.
    expect(commands.filter(({ code }) => code !== 0)).toHaveLength(1);
    expect(heard.filter(({ status }) => status >= 500)).toEqual([]);
  },
);
