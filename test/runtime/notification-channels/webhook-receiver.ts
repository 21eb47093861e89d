/** A receiver of webhooks over real HTTP, on a port of its own: it keeps what comes and answers as it is told. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface ReceivedPost {
  readonly headers: IncomingMessage["headers"];
  readonly url: string;
  readonly body: string;
}

export interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:<port>/a-path-that-is-a-token`. */
  readonly url: string;
  readonly posts: ReadonlyArray<ReceivedPost>;
  /** How it answers from now on; at first with 204. */
  readonly answer: (listener: RequestListener) => void;
  /** Connections that were ever made. */
  readonly connections: () => number;
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  const chunks: Array<Uint8Array> = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
};

export const taken: RequestListener = (_, response) => {
  response.writeHead(204).end();
};

/** Answers with a status, headers and a body. */
export const status =
  (code: number, headers: Record<string, string> = {}, body = "no"): RequestListener =>
  (_, response) => {
    response.writeHead(code, headers).end(body);
  };

export const openReceiver = async (path = "/a-path-that-is-a-token"): Promise<Receiver> => {
  const posts: Array<ReceivedPost> = [];
  let listener = taken;
  let connections = 0;
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then(
      (body) => {
        posts.push({ headers: request.headers, url: request.url ?? "", body });
        listener(request, response);
      },
      () => undefined,
    );
  });
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // It listens on a port: only a pipe's address is text.
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}${path}`,
    posts,
    answer: (next) => {
      listener = next;
    },
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
    },
  };
};
