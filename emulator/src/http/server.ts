/** The one place that touches sockets: reads a request whole, sends the reply or breaks the connection. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Call } from "./call.ts";
import { errorPage, problem, type Reply } from "./reply.ts";

export interface HttpServer {
  readonly port: number;
  readonly url: string;
  /** When the last request arrived or the last answer left, ms since 1970. */
  readonly lastActivityAt: () => number;
  /** Breaks every open connection. */
  readonly close: () => Promise<void>;
}

/** Largest upload the provider takes, with room for the multipart frame. */
const MAXIMUM_BODY_BYTES = 101 * 1024 * 1024;
const HOST = "127.0.0.1";

/** Listens on loopback only, at the port if it is free, else at any other. */
export async function serve(
  port: number,
  respond: (call: Omit<Call, "parameters">) => Promise<Reply>,
): Promise<HttpServer> {
  let lastActivityAt = Date.now();
  const server = createServer((request, response) => {
    lastActivityAt = Date.now();
    void handle(request, response, respond).finally(() => {
      lastActivityAt = Date.now();
    });
  });
  server.requestTimeout = 0;
  const boundPort = await listen(server, port).catch(() => listen(server, 0));
  return {
    port: boundPort,
    url: `http://${HOST}:${boundPort}`,
    lastActivityAt: () => lastActivityAt,
    close: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, HOST, () => {
      const address = server.address();
      if (address === null || typeof address === "string")
        reject(new Error("the server has no port"));
      else resolve(address.port);
    });
  });
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  respond: (call: Omit<Call, "parameters">) => Promise<Reply>,
): Promise<void> {
  try {
    const body = await readBody(request);
    const origin = `http://${request.headers.host ?? HOST}`;
    const { method = "GET", headers } = request;
    const call = { method, url: new URL(request.url ?? "/", origin), headers, origin };
    send(
      response,
      body === undefined
        ? problem(413, "Request body is too large")
        : await respond({ ...call, body }),
    );
  } catch (error) {
    // A client that went away is its own business; anything else is our mistake and must be seen in the log.
    if (response.destroyed) return;
    process.stderr.write(
      `emulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    send(response, errorPage(500));
  }
}

/** Undefined where it is too large. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    if (!Buffer.isBuffer(part)) continue;
    size += part.length;
    if (size <= MAXIMUM_BODY_BYTES) parts.push(part);
  }
  return size <= MAXIMUM_BODY_BYTES ? Buffer.concat(parts) : undefined;
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply.kind === "hang") return;
  if (reply.kind === "reset") return void response.socket?.resetAndDestroy();
  const { status, headers, body, promisedBytes } = reply;
  const length = { "content-length": promisedBytes ?? Buffer.byteLength(body) };
  const isEmpty = status === 204;
  response.writeHead(status, { ...headers, ...(!isEmpty && length), "x-catena-emulator": "1" });
  if (promisedBytes === undefined) return void response.end(body);
  response.write(body, () => response.socket?.destroy());
}
