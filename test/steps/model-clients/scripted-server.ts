/** A provider that answers exactly what a test tells it to, and counts what it was asked. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { Effect } from "effect";

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** `reset` breaks the connection, `hang` never answers; `promisedLength` breaks it after the body. */
export type Scripted =
  | "reset"
  | "hang"
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array | object;
      readonly promisedLength?: number;
    };

export interface ScriptedServer {
  readonly origin: string;
  readonly asked: ReadonlyArray<Asked>;
  /** Replaces what the server answers from now on. */
  readonly script: (answer: (asked: Asked) => Scripted) => void;
}

const send = (response: ServerResponse, answer: Exclude<Scripted, string>): void => {
  const { status = 200, headers = {}, body = "", promisedLength } = answer;
  const isRaw = typeof body === "string" || body instanceof Uint8Array;
  const content = isRaw ? body : JSON.stringify(body);
  const length = promisedLength === undefined ? {} : { "content-length": String(promisedLength) };
  response.writeHead(status, { ...headers, ...length });
  if (promisedLength === undefined) response.end(content);
  else response.write(content, () => response.destroy());
};

/** On a free port of 127.0.0.1, gone with the test's scope. */
export const scriptedServer = Effect.acquireRelease(
  Effect.callback<ScriptedServer & { readonly close: () => void }>((resume) => {
    const asked: Array<Asked> = [];
    let answerTo: (asked: Asked) => Scripted = () => ({ status: 404 });
    const server = createServer((request, response) => {
      const chunks: Array<Buffer> = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { method = "", url = "", headers } = request;
        const call = { method, url, headers, body: Buffer.concat(chunks).toString("latin1") };
        asked.push(call);
        const answer = answerTo(call);
        if (answer === "reset") request.socket.destroy();
        else if (answer !== "hang") send(response, answer);
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      resume(
        Effect.succeed({
          origin: `http://127.0.0.1:${port}`,
          asked,
          script: (answer) => {
            answerTo = answer;
          },
          close: () => {
            server.closeAllConnections();
            server.close();
          },
        }),
      );
    });
  }),
  (server) => Effect.sync(() => server.close()),
);
