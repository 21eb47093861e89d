/** A server that takes webhooks and remembers them, gone when its test is over. */
import { createServer } from "node:http";
import { onTestFinished } from "vitest";

export interface Received {
  readonly status: string;
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
  readonly body: string;
}

export interface Receiver {
  readonly url: string;
  readonly deliveries: readonly Received[];
}

/** Answers with the given statuses in turn, then 200; a redirect points back to itself. */
export async function receiver(...answers: readonly number[]): Promise<Receiver> {
  const deliveries: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts).toString("utf8");
      const header = (name: string): string => String(request.headers[`webhook-${name}`]);
      const { status } = JSON.parse(body) as { readonly status: string };
      const [id, timestamp, signature] = [header("id"), header("timestamp"), header("signature")];
      deliveries.push({ status, id, timestamp, signature, body });
      const answer = answers[deliveries.length - 1] ?? 200;
      response.writeHead(answer, answer === 301 ? { location: "/elsewhere" } : {}).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/hook?key=k1`, deliveries };
}
