/** The one place that touches sockets: reads a request whole, sends the reply or breaks the connection. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Call } from "./call.ts";
import { problem } from "./problems.ts";
import { errorPage, type EventStream, type Reply } from "./reply.ts";

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
/** On every answer: nobody shall take it for the real thing. */
const MARK = { "x-catena-emulator": "1" };

export interface Binding {
  /** 0 for any free one. */
  readonly port: number;
  /** A taken port is an error; else another one is found. */
  readonly isPortFixed: boolean;
}

/** Listens on loopback only. Rejects where a fixed port is taken. */
export async function serve(
  { port, isPortFixed }: Binding,
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
  const boundPort = await listen(server, port).catch((error: unknown) => {
    if (!isPortFixed) return listen(server, 0);
    throw new Error(`port ${port} of ${HOST} cannot be taken: ${String(error)}`, { cause: error });
  });
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
    const call = { method, url: urlOf(request, origin), headers, origin };
    await send(
      response,
      body === undefined
        ? problem(413, "Request body is too large")
        : await respond({ ...call, body }),
    );
  } catch (error) {
    // A client that went away is its own business; anything else is our mistake and must be seen in the log.
    if (response.destroyed) return;
    if (response.headersSent) return void response.socket?.destroy();
    process.stderr.write(
      `emulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    await send(response, errorPage(500));
  }
}

/** A path such as `//` is no URL by itself: it is none of ours. */
function urlOf({ url = "/" }: IncomingMessage, origin: string): URL {
  return URL.canParse(url, origin) ? new URL(url, origin) : new URL("/", origin);
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

async function send(response: ServerResponse, reply: Reply): Promise<void> {
  if (reply.kind === "hang") return;
  if (reply.kind === "reset") return void response.socket?.resetAndDestroy();
  if (reply.kind === "stream") return sendEvents(response, reply);
  const { status, headers, body, promisedBytes } = reply;
  const length = { "content-length": promisedBytes ?? Buffer.byteLength(body) };
  const isEmpty = status === 204;
  response.writeHead(status, { ...headers, ...(!isEmpty && length), ...MARK });
  if (promisedBytes === undefined) return void response.end(body);
  response.write(body, () => response.socket?.destroy());
}

async function sendEvents(response: ServerResponse, stream: EventStream): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.writeHead(200, { ...stream.headers, ...MARK });
  response.flushHeaders();
  let sent = 0;
  for await (const event of stream.events(gone.signal)) {
    if (sent === stream.breaksAfter) break;
    sent += 1;
    await new Promise<void>((resolve) => void response.write(event, () => resolve()));
    if (gone.signal.aborted) return;
  }
  // Without the last chunk: the client sees that something is missing.
  if (sent === stream.breaksAfter) return void response.socket?.end();
  response.end();
}
