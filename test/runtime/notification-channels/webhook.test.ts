/** Webhooks over real HTTP: signed so that others' code believes them, sent nowhere that was not allowed. */
import type { RequestListener } from "node:http";
import { describe, expect, it } from "@effect/vitest";
import { Effect, Redacted, Schema } from "effect";
import { TestClock } from "effect/testing";
import { Webhook } from "standardwebhooks";
import { type NotDelivered, Notify, StartError, type WebhookOptions } from "../../../src/index.ts";
import { webhookChannel } from "../../../src/runtime/notification-channels/webhook.ts";
import { notificationChannelCases, type ReceiverAnswer } from "../../../src/testing.ts";
import { openReceiver, type Receiver, status, taken } from "./webhook-receiver.ts";

const secretOf = (letter: string): string =>
  `whsec_${Buffer.from(letter.repeat(32)).toString("base64")}`;
const secret = secretOf("s");

const receiver = Effect.acquireRelease(
  Effect.promise(() => openReceiver()),
  (open) => Effect.promise(() => open[Symbol.asyncDispose]()),
);

const channelTo = ({ url }: Receiver, part: Partial<WebhookOptions> = {}) =>
  Notify.webhook({ url, secret, allowPrivate: true, ...part });

const notification = {
  id: "evt_1_orders",
  type: "job.complete",
  at: 1_700_000_000_123,
  data: { job_id: "1", output: "☃ 'quoted'" },
} as const;

/** Never ends its answer, and never begins one. */
const hang: RequestListener = () => undefined;

const listeners: Readonly<Record<ReceiverAnswer, RequestListener>> = {
  take: taken,
  refuse: status(500, {}, `you sent ${secret}`),
  refuseForGood: status(410),
  hang,
};

const decodeBody = Schema.decodeUnknownSync(
  Schema.fromJsonString(Schema.Struct({ type: Schema.String, data: Schema.Json })),
);

describe("the webhook channel", () => {
  for (const { name, run } of notificationChannelCases)
    it.effect(name, () =>
      Effect.gen(function* () {
        const open = yield* receiver;
        const took: Array<number> = [];
        const answering = (answer: ReceiverAnswer): RequestListener => {
          const listener = listeners[answer];
          return (request, response) => {
            if (answer === "take") took.push(open.posts.length - 1);
            listener(request, response);
          };
        };
        open.answer(answering("take"));
        yield* run({
          channel: channelTo(open),
          received: () =>
            took.flatMap((index) => {
              const post = open.posts[index];
              if (post === undefined) return [];
              return [{ id: String(post.headers["webhook-id"]), data: decodeBody(post.body).data }];
            }),
          tries: () => open.posts.length,
          answer: (answer) => {
            open.answer(answering(answer));
          },
          passTime: TestClock.adjust,
          secrets: [secret, secret.slice(6), "a-path-that-is-a-token"],
        });
      }),
    );

  it.live("is believed by the scheme's own library, and by Notify.isSigned", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      yield* channelTo(open).deliver(notification);
      const [post] = open.posts;
      const { headers = {}, body = "" } = post ?? {};
      const sent = {
        "webhook-id": String(headers["webhook-id"]),
        "webhook-timestamp": String(headers["webhook-timestamp"]),
        "webhook-signature": String(headers["webhook-signature"]),
      };
      const told = new Webhook(secret).verify(body, sent);
      const { type, data } = notification;
      expect(told).toEqual({ type, timestamp: "2023-11-14T22:13:20.123Z", data });
      expect(sent["webhook-id"]).toBe(notification.id);
      expect(headers["content-type"]).toBe("application/json");
      expect(Notify.isSigned({ headers, body, secret })).toBe(true);
      expect(Notify.isSigned({ headers: new Headers(sent), body, secret })).toBe(true);
      const forged = { headers, body: body.replace("quoted", "forged"), secret };
      expect(Notify.isSigned(forged)).toBe(false);
      expect(Notify.isSigned({ headers, body, secret: secretOf("t") })).toBe(false);
      const later = Date.now() + 301_000;
      expect(Notify.isSigned({ headers, body, secret, now: later })).toBe(false);
      expect(() => Notify.isSigned({ headers, body, secret: "hunter2" })).toThrow(TypeError);
    }),
  );

  it.live("signs with every secret while one is replaced by another", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      const [old, young] = [secretOf("o"), secretOf("y")];
      yield* channelTo(open, { secret: [Redacted.make(young), old] }).deliver(notification);
      const { headers = {}, body = "" } = open.posts[0] ?? {};
      expect(String(headers["webhook-signature"]).split(" ")).toHaveLength(2);
      for (const one of [old, young])
        expect(Notify.isSigned({ headers, body, secret: one })).toBe(true);
    }),
  );

  it.effect("follows no redirect", () =>
    Effect.gen(function* () {
      const [open, elsewhere] = [yield* receiver, yield* receiver];
      for (const code of [301, 302, 303, 307, 308]) {
        open.answer(status(code, { location: elsewhere.url }));
        const failure = yield* Effect.flip(channelTo(open).deliver(notification));
        expect(failure.detail).toBe(`answered ${code}: redirects are not followed`);
      }
      expect(elsewhere.connections()).toBe(0);
    }),
  );

  it.effect("passes on how long its receiver wants to be left alone", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      open.answer(status(429, { "retry-after": "120" }));
      const failure = yield* Effect.flip(channelTo(open).deliver(notification));
      expect(failure).toMatchObject({ detail: "answered 429", retryAfterMs: 120_000 });
    }),
  );

  it.effect("reads no endless answer, and takes a yes for a yes whatever follows it", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      let written = 0;
      open.answer((_, response) => {
        response.writeHead(200);
        const more = (): void => {
          written += 65_536;
          if (!response.destroyed) response.write("x".repeat(65_536), more);
        };
        more();
      });
      yield* channelTo(open).deliver(notification);
      expect(written).toBeLessThan(50_000_000);
    }),
  );

  it.live("takes a yes for a yes though its answer never ends", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      open.answer((_, response) => {
        response.writeHead(200);
        response.write("and");
      });
      yield* channelTo(open, { timeout: "100 millis" }).deliver(notification);
      open.answer((_, response) => {
        response.writeHead(500);
        response.write("and");
      });
      const failure = yield* Effect.flip(
        channelTo(open, { timeout: "100 millis" }).deliver(notification),
      );
      expect(failure.detail).toBe("answered 500");
    }),
  );

  it.effect(
    "takes a yes for a yes though what follows it is no answer that anybody could read",
    () =>
      Effect.gen(function* () {
        const open = yield* receiver;
        const broken = (line: string): RequestListener => {
          return (request) => {
            request.socket.end(`HTTP/1.1 ${line}\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n`);
          };
        };
        open.answer(broken("200 OK"));
        yield* channelTo(open).deliver(notification);
        open.answer(broken("503 Later"));
        const failure = yield* Effect.flip(channelTo(open).deliver(notification));
        expect(failure.detail).toBe("answered 503");
      }),
  );

  it.effect("says in short why nobody answered", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      yield* Effect.promise(() => open[Symbol.asyncDispose]());
      const failure = yield* Effect.flip(channelTo(open).deliver(notification));
      expect(failure).toMatchObject({ detail: "no answer: ECONNREFUSED", isPermanent: false });
    }),
  );
});

describe("a webhook's target", () => {
  const notAllowed: ReadonlyArray<string> = [
    "https://127.0.0.1/",
    "https://10.1.2.3/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data",
    "https://0.0.0.0/",
    "https://255.255.255.255/",
    "https://224.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://127.0.0.1./",
    "https://[::1]/",
    "https://[::]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[2002:a00:1::]/",
    "https://[2001::1]/",
    "https://[fec0::1]/",
    "https://[4000::1]/",
    "https://①②⑦.0.0.1/",
  ];
  it.each(notAllowed)("%s is refused at the start", (url) => {
    expect(() => Notify.webhook({ url, secret })).toThrow(/its address is not public/);
  });

  it.each(["https://1.1.1.1/", "https://[2606:4700::1111]/", "https://hooks.example.com/x"])(
    "%s is taken",
    (url) => {
      expect(Notify.webhook({ url, secret }).kind).toBe("webhook");
    },
  );

  it.each(["https://169.254.169.254/", "https://[fe80::1]/", "https://0.0.0.0/"])(
    "%s is refused with allowPrivate as well",
    (url) => {
      expect(() => Notify.webhook({ url, secret, allowPrivate: true })).toThrow(StartError);
    },
  );

  /** A name that leads to these addresses, one after the other. */
  const named = (...answers: ReadonlyArray<ReadonlyArray<string>>) => {
    const rest = [...answers];
    const asked: Array<string> = [];
    const resolve = (
      hostname: string,
      done: (error: null, addresses: Array<{ address: string; family: number }>) => void,
    ): void => {
      asked.push(hostname);
      const addresses = rest.length > 1 ? rest.shift() : rest[0];
      done(
        null,
        (addresses ?? []).map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    };
    return { asked, resolve };
  };

  const privates = ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254"];
  it.effect.each(privates)("a name that leads to %s is never connected to", (address) =>
    Effect.gen(function* () {
      const open = yield* receiver;
      const { resolve } = named([address]);
      const url = `https://hooks.example.com:${open.port}/`;
      const channel = webhookChannel({ url, secret }, resolve);
      const failure: NotDelivered = yield* Effect.flip(channel.deliver(notification));
      expect(failure.detail).toMatch(/^its address is not public \(/);
      expect(open.connections()).toBe(0);
    }),
  );

  it.effect("a name is looked up for each connection, and that answer is what is judged", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      // Allowed when it is asked first, as whoever checks once and connects later would find it.
      const { resolve, asked } = named(["127.0.0.1"], ["169.254.169.254"]);
      const url = `http://hooks.example.com:${open.port}/`;
      const channel = webhookChannel({ url, secret, allowPrivate: true }, resolve);
      yield* channel.deliver(notification);
      const failure = yield* Effect.flip(channel.deliver(notification));
      expect(failure.detail).toBe("its address is not public (linkLocal)");
      expect(asked).toEqual(["hooks.example.com", "hooks.example.com"]);
      expect(open.connections()).toBe(1);
    }),
  );

  it.effect("of several addresses only those that may be are connected to", () =>
    Effect.gen(function* () {
      const open = yield* receiver;
      const { resolve } = named(["169.254.169.254", "127.0.0.1"]);
      const url = `http://hooks.example.com:${open.port}/`;
      yield* webhookChannel({ url, secret, allowPrivate: true }, resolve).deliver(notification);
      expect(open.posts[0]?.headers.host).toBe(`hooks.example.com:${open.port}`);
    }),
  );
});

describe("an option of a webhook", () => {
  const url = "https://hooks.example.com/token-in-the-path";
  const wrong: ReadonlyArray<readonly [field: string, options: unknown]> = [
    ["Notify.webhook", null],
    ["Notify.webhook", { url, secret, retries: 3 }],
    ["Notify.webhook.url", { secret }],
    ["Notify.webhook.url", { url: "token-in-the-path", secret }],
    ["Notify.webhook.url", { url: "http://hooks.example.com/token-in-the-path", secret }],
    ["Notify.webhook.url", { url: "https://user:token-in-the-path@example.com", secret }],
    ["Notify.webhook.url", { url: "file:///token-in-the-path", secret }],
    ["Notify.webhook.secret", { url }],
    ["Notify.webhook.secret", { url, secret: [] }],
    ["Notify.webhook.secret", { url, secret: "token-in-the-path" }],
    ["Notify.webhook.secret", { url, secret: `whsec_${btoa("token-in-the-path")}` }],
    ["Notify.webhook.timeout", { url, secret, timeout: "2 minutes" }],
    ["Notify.webhook.timeout", { url, secret, timeout: 0 }],
    ["Notify.webhook.allowPrivate", { url, secret, allowPrivate: "yes" }],
  ];
  it.each(wrong)(
    "that is wrong is refused as %s, without saying what may be a secret",
    (field, given) => {
      // As plain JavaScript may hand it over.
      const options = given as WebhookOptions;
      const thrown = (() => {
        try {
          return Notify.webhook(options);
        } catch (error) {
          return error;
        }
      })();
      expect(thrown).toBeInstanceOf(StartError);
      expect(thrown).toMatchObject({ field });
      expect(String(thrown)).not.toContain("token-in-the-path");
      expect(String(thrown)).not.toContain(btoa("token-in-the-path"));
    },
  );
});
