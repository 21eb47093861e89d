/** A real HTTP server that keeps what it was sent, answers as it is told, and can drop or hold an answer. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>;
  readonly body: string;
}

export type Reply =
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: unknown;
    }
  /** Takes the request and breaks the connection. */
  | "drop"
  /** Takes the request and never answers. */
  | "hold";

export interface RecordingServer extends AsyncDisposable {
  readonly origin: string;
  readonly received: ReadonlyArray<Received>;
  /** The keys that were sent, in order. */
  readonly keys: () => ReadonlyArray<unknown>;
  /** Resolves when the server has received this many requests. */
  readonly receivedSoMany: (count: number) => Promise<void>;
}

/** Listens on a free port of this machine; `reply` sees each request and its ordinal (1-based). */
export const recordingServer = async (
  reply: (request: Received, ordinal: number) => Reply,
): Promise<RecordingServer> => {
  const received: Array<Received> = [];
  const waiting: Array<{ readonly count: number; readonly resolve: () => void }> = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { method = "", url = "", headers } = request;
      const one = { method, path: url, headers, body };
      received.push(one);
      answer(response, reply(one, received.length));
      for (const { count, resolve } of waiting) if (received.length >= count) resolve();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A server that listens on a port has an address, not a pipe's name.
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    received,
    keys: () => received.map(({ headers }) => headers["idempotency-key"]),
    receivedSoMany: (count) =>
      new Promise((resolve) => {
        if (received.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
};

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Buffer> = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};

const answer = (response: ServerResponse, reply: Reply): void => {
  if (reply === "hold") return;
  if (reply === "drop") {
    response.destroy();
    return;
  }
  const { status = 200, headers = {}, body } = reply;
  const isRaw = typeof body === "string" || Buffer.isBuffer(body);
  response.writeHead(status, {
    ...(isRaw || body === undefined ? {} : { "content-type": "application/json" }),
    ...headers,
  });
  response.end(body === undefined || isRaw ? body : JSON.stringify(body));
};
