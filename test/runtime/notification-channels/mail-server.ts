/** A mail server on a port of its own: as much of SMTP as one letter needs, with a login. */
import { createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export interface ReceivedMail {
  readonly from: string;
  readonly to: ReadonlyArray<string>;
  /** As it was sent, with its dots unstuffed. */
  readonly source: string;
}

export interface MailServer extends AsyncDisposable {
  readonly port: number;
  readonly mails: ReadonlyArray<ReceivedMail>;
  /** What was given to AUTH PLAIN, decoded. */
  readonly logins: ReadonlyArray<string>;
  /** How many letters were begun. */
  readonly tries: () => number;
  /** What is answered to a recipient from now on; null: nothing ever. At first `250 ok`. */
  readonly answer: (reply: string | null) => void;
}

interface Draft {
  from: string;
  to: Array<string>;
}

const addressIn = (line: string): string => /<([^>]*)>/.exec(line)?.[1] ?? "";

export const openMailServer = async (): Promise<MailServer> => {
  const mails: Array<ReceivedMail> = [];
  const logins: Array<string> = [];
  const sockets = new Set<Socket>();
  let reply: string | null = "250 ok";
  let tries = 0;

  /** The replies to one line of a client; data ends with a lone dot. */
  const converse = (socket: Socket): ((line: string) => void) => {
    const say = (text: string): void => void socket.write(`${text}\r\n`);
    let draft: Draft = { from: "", to: [] };
    let data: Array<string> | null = null;
    say("220 mail.test ESMTP");
    return (line) => {
      if (data !== null) {
        if (line !== ".") return void data.push(line.replace(/^\./, ""));
        mails.push({ ...draft, source: data.join("\r\n") });
        data = null;
        return say("250 queued");
      }
      const [verb = ""] = line.toUpperCase().split(/[ :]/);
      if (verb === "EHLO") return say("250-mail.test\r\n250-AUTH PLAIN\r\n250 8BITMIME");
      if (verb === "AUTH") {
        logins.push(Buffer.from(line.split(" ")[2] ?? "", "base64").toString("utf8"));
        return say("235 welcome");
      }
      if (verb === "MAIL") {
        tries += 1;
        draft = { from: addressIn(line), to: [] };
        return say("250 ok");
      }
      if (verb === "RCPT") {
        draft.to.push(addressIn(line));
        return reply === null ? undefined : say(reply);
      }
      if (verb === "DATA") {
        data = [];
        return say("354 go on");
      }
      say(verb === "QUIT" ? "221 bye" : "250 ok");
      if (verb === "QUIT") socket.end();
    };
  };

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    const onLine = converse(socket);
    let rest = "";
    socket.setEncoding("utf8").on("data", (chunk) => {
      const lines = `${rest}${String(chunk)}`.split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // It listens on a port: only a pipe's address is text.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    mails,
    logins,
    tries: () => tries,
    answer: (next) => {
      reply = next;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
};

export interface Letter {
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** A letter of one part, with its folded headers unfolded and its text decoded. */
export const letterOf = ({ source }: ReceivedMail): Letter => {
  const end = source.indexOf("\r\n\r\n");
  const head = source.slice(0, end).replace(/\r\n[ \t]+/g, " ");
  const headers = new Map(
    head.split("\r\n").map((line) => {
      const [name = "", ...value] = line.split(":");
      return [name.toLowerCase(), value.join(":").trim()] as const;
    }),
  );
  const body = source.slice(end + 4);
  return { headers, text: decoded(body, headers.get("content-transfer-encoding") ?? "7bit") };
};

const decoded = (body: string, encoding: string): string => {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body;
  const bytes = body
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
};
