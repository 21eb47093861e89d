/**
 * E-mail over SMTP. A notification is one message whose Message-ID is made of the notification's id, the
 * same in every try, by which a mailbox can tell a repetition. Its password and what the server says in its
 * own words are shown to nobody.
 */
import { Effect, Redacted, Schema } from "effect";
import type { SMTPTransportOptions, Transporter } from "nodemailer";
import {
  type Notification,
  type NotificationChannel,
  NotDelivered,
} from "../notification-channel.ts";
import { refuseStrangers, StartError } from "../options.ts";

export interface EmailOptions {
  /** As nodemailer's SMTP transport takes them: `host`, `port`, `secure`, `auth`, `tls`, `dkim`, … */
  readonly smtp: SMTPTransportOptions;
  /** The password of `smtp.auth.user`, instead of `smtp.auth.pass`. */
  readonly password?: string | Redacted.Redacted;
  /** `name@example.com` or `Name <name@example.com>`. */
  readonly from: string;
  readonly to: string | ReadonlyArray<string>;
  /** Default: the type and the job. */
  readonly subject?: (notification: Notification) => string;
  /** Plain text. Default: what is told, as JSON. */
  readonly text?: (notification: Notification) => string;
}

const fields = ["smtp", "password", "from", "to", "subject", "text"] satisfies ReadonlyArray<
  keyof EmailOptions
>;

/** All of it: connecting, greeting, sending. A mail server may be slow on purpose, to be rid of spam. */
const timeoutMs = 45_000;

/** Throws StartError that names the option. */
export const emailChannel = (options: EmailOptions): NotificationChannel => {
  const letters = lettersOf(options);
  let transporter: Promise<Mailer> | undefined;
  return {
    kind: "email",
    deliver: (notification) =>
      Effect.tryPromise({
        try: async (signal) => {
          transporter ??= openTransport(letters.smtp);
          await (await transporter).sendMail({ ...letters.write(notification), signal });
        },
        catch: refusalOf,
      }).pipe(
        Effect.timeoutOrElse({ duration: timeoutMs, orElse: () => Effect.fail(late) }),
        Effect.asVoid,
      ),
  };
};

type Mailer = Transporter<unknown, SMTPTransportOptions>;

/** Loaded when the first letter is written: who sends none does not pay for it. */
const openTransport = async (smtp: SMTPTransportOptions): Promise<Mailer> => {
  const { createTransport } = await import("nodemailer");
  return createTransport({ connectionTimeout: 15_000, socketTimeout: 30_000, ...smtp });
};

const late = new NotDelivered({
  detail: `the mail server did not take it within ${timeoutMs / 1_000} s`,
  isPermanent: false,
});

/** Codes only: what the server says may hold what it was sent. */
const refusalOf = (error: unknown): NotDelivered => {
  const { code, status } = codesIn(error);
  const said = [code, status].filter((part) => part !== null).join(" ");
  // A refusal for good, but of the message: a wrong password or a wrong moment can be put right.
  const isPermanent =
    status !== null && status >= 500 && status !== 503 && permanentCodes.has(code);
  return new NotDelivered({ detail: `the mail server did not take it: ${said}`, isPermanent });
};

const permanentCodes: ReadonlySet<string> = new Set(["EENVELOPE", "EMESSAGE"]);

const codesIn = (error: unknown): { readonly code: string; readonly status: number | null } => {
  if (!(error instanceof Error)) return { code: typeof error, status: null };
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  const isCoded = "responseCode" in error && typeof error.responseCode === "number";
  return { code, status: isCoded ? Number(error.responseCode) : null };
};

// --- what is written

interface Letter {
  readonly from: string;
  readonly to: Array<string>;
  readonly subject: string;
  readonly text: string;
  readonly messageId: string;
  readonly date: Date;
  readonly disableFileAccess: true;
  readonly disableUrlAccess: true;
}

interface Letters {
  readonly smtp: SMTPTransportOptions;
  readonly write: (notification: Notification) => Letter;
}

const OfJob = Schema.Struct({ job_id: Schema.String, pipeline: Schema.String });
const isOfJob = Schema.is(OfJob);

const subjectOf = ({ type, data }: Notification): string => {
  return isOfJob(data) ? `${type}: ${data.pipeline} ${data.job_id}` : type;
};

const textOf = ({ id, type, at, data }: Notification): string =>
  `${type} at ${new Date(at).toISOString()}\n\n${JSON.stringify(data, null, 2)}\n\n${id}\n`;

const lettersOf = (options: EmailOptions): Letters => {
  const { smtp, password, from, to, subject = subjectOf, text = textOf } = checked(options);
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? "catena-ai.invalid";
  const pass = Redacted.isRedacted(password) ? Redacted.value(password) : password;
  return {
    smtp: pass === undefined ? smtp : { ...smtp, auth: { ...smtp.auth, pass } },
    write: (notification) => ({
      from,
      to: typeof to === "string" ? [to] : [...to],
      subject: subject(notification),
      text: text(notification),
      messageId: `<${notification.id}@${domain}>`,
      date: new Date(notification.at),
      disableFileAccess: true,
      disableUrlAccess: true,
    }),
  };
};

// --- options

const checked = (options: EmailOptions): EmailOptions => {
  if (typeof options !== "object" || options === null)
    throw new StartError("Notify.email", `an object with ${fields.join(", ")}`, typeof options);
  refuseStrangers("Notify.email", options, fields);
  const { smtp, password, from, to, subject, text } = options;
  if (typeof smtp !== "object" || smtp === null || typeof smtp.host !== "string")
    throw new StartError("Notify.email.smtp", "SMTP options with a host", typeof smtp);
  if (password !== undefined && typeof password !== "string" && !Redacted.isRedacted(password))
    throw new StartError("Notify.email.password", "a text or a Redacted", typeof password);
  if (!isAddress(from)) throw new StartError("Notify.email.from", "an address", from);
  const receivers: ReadonlyArray<unknown> = Array.isArray(to) ? to : [to];
  if (receivers.length === 0 || !receivers.every(isAddress))
    throw new StartError("Notify.email.to", "an address or a list of addresses", to);
  for (const [field, given] of Object.entries({ subject, text }))
    if (given !== undefined && typeof given !== "function")
      throw new StartError(`Notify.email.${field}`, "a function", given);
  return options;
};

const isAddress = (value: unknown): value is string =>
  typeof value === "string" && /^[^\r\n]*[^\s@<]+@[^\s@>]+>?$/.test(value);
