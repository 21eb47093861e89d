/** E-mail to a real server on this machine: the whole conversation, its refusals, and what it must not show. */
import { describe, expect, it } from "@effect/vitest";
import { Effect, Redacted, Schema } from "effect";
import { TestClock } from "effect/testing";
import { type EmailOptions, Notify, StartError } from "../../../src/index.ts";
import { notificationChannelCases, type ReceiverAnswer } from "../../../src/testing.ts";
import { letterOf, type MailServer, openMailServer, type ReceivedMail } from "./mail-server.ts";

const password = "a password that nobody shall see";
const from = "Catena <catena@example.com>";

const server = Effect.acquireRelease(
  Effect.promise(() => openMailServer()),
  (open) => Effect.promise(() => open[Symbol.asyncDispose]()),
);

const channelTo = ({ port }: MailServer, part: Partial<EmailOptions> = {}) =>
  Notify.email({
    smtp: { host: "127.0.0.1", port, auth: { user: "catena" } },
    password: Redacted.make(password),
    from,
    to: ["ops@example.com", "night@example.com"],
    ...part,
  });

const notification = {
  id: "evt_1_2_night",
  type: "job.failed",
  at: 1_700_000_000_000,
  data: { job_id: "1", pipeline: "poster" },
} as const;

const replies: Readonly<Record<ReceiverAnswer, string | null>> = {
  take: "250 ok",
  refuse: `451 not now, ${password}`,
  refuseForGood: `550 no such mailbox, ${password}`,
  hang: null,
};

const decodeJson = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Json));

/** The id by which a mailbox knows a letter again, and what the letter tells. */
const toldBy = (mail: ReceivedMail) => {
  const { headers, text } = letterOf(mail);
  const id = /^<(.*)@example\.com>$/.exec(headers.get("message-id") ?? "")?.[1] ?? "no id";
  return { id, data: decodeJson(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1)) };
};

describe("the e-mail channel", () => {
  for (const { name, run } of notificationChannelCases)
    it.effect(name, () =>
      Effect.gen(function* () {
        const open = yield* server;
        yield* run({
          channel: channelTo(open),
          received: () => open.mails.map(toldBy),
          tries: open.tries,
          answer: (answer) => {
            open.answer(replies[answer]);
          },
          passTime: TestClock.adjust,
          secrets: [password],
        });
      }),
    );

  it.effect("logs in, and sends a letter that says what happened", () =>
    Effect.gen(function* () {
      const open = yield* server;
      yield* channelTo(open).deliver(notification);
      const [mail] = open.mails;
      expect(open.logins).toEqual([`\0catena\0${password}`]);
      expect(mail).toMatchObject({
        from: "catena@example.com",
        to: ["ops@example.com", "night@example.com"],
      });
      const { headers, text } = letterOf(mail ?? { from: "", to: [], source: "" });
      expect(headers.get("subject")).toBe("job.failed: poster 1");
      expect(headers.get("from")).toBe(from);
      expect(text).toContain("job.failed at 2023-11-14T22:13:20.000Z");
    }),
  );

  it.effect("says it in the host's words where there are any", () =>
    Effect.gen(function* () {
      const open = yield* server;
      const words = {
        subject: () => "Oh no\r\nBcc: everybody@example.com",
        text: () => "A poster failed.",
      };
      yield* channelTo(open, { ...words, to: "ops@example.com" }).deliver(notification);
      const { headers, text } = letterOf(open.mails[0] ?? { from: "", to: [], source: "" });
      expect(text.trim()).toBe("A poster failed.");
      expect(headers.has("bcc")).toBe(false);
      expect(open.mails[0]?.to).toEqual(["ops@example.com"]);
    }),
  );

  it.effect("says by code alone why the server did not take it", () =>
    Effect.gen(function* () {
      const open = yield* server;
      open.answer(replies.refuse);
      const refused = yield* Effect.flip(channelTo(open).deliver(notification));
      expect(refused.detail).toBe("the mail server did not take it: EENVELOPE 451");
      yield* Effect.promise(() => open[Symbol.asyncDispose]());
      const gone = yield* Effect.flip(channelTo(open).deliver(notification));
      expect(gone).toMatchObject({
        detail: "the mail server did not take it: ESOCKET",
        isPermanent: false,
      });
    }),
  );
});

describe("an option of an e-mail", () => {
  const right = { smtp: { host: "127.0.0.1" }, from, to: "ops@example.com" };
  const wrong: ReadonlyArray<readonly [field: string, options: unknown]> = [
    ["Notify.email", null],
    ["Notify.email", { ...right, cc: "x@example.com" }],
    ["Notify.email.smtp", { ...right, smtp: `smtp://u:${password}@host` }],
    ["Notify.email.smtp", { ...right, smtp: {} }],
    ["Notify.email.password", { ...right, password: 7 }],
    ["Notify.email.from", { ...right, from: "nobody" }],
    ["Notify.email.from", { ...right, from: "a@example.com\r\nBcc: b@example.com" }],
    ["Notify.email.to", { ...right, to: [] }],
    ["Notify.email.to", { ...right, to: ["ops@example.com", ""] }],
    ["Notify.email.subject", { ...right, subject: "Oh no" }],
    ["Notify.email.text", { ...right, text: null }],
  ];
  it.each(wrong)("that is wrong is refused as %s", (field, given) => {
    // As plain JavaScript may hand it over.
    const options = given as EmailOptions;
    const thrown = (() => {
      try {
        return Notify.email(options);
      } catch (error) {
        return error;
      }
    })();
    expect(thrown).toBeInstanceOf(StartError);
    expect(thrown).toMatchObject({ field });
    expect(String(thrown)).not.toContain(password);
  });
});
