/** Requests of a measurement: over connections that are kept, with as little work as a client can have. */
import { Agent, request } from "node:http";
import { firstPage } from "./chain.ts";

const body = JSON.stringify(firstPage);

export interface Submitting {
  readonly port: number;
  readonly agent: Agent;
  /** Whether the answer is to be that of the complete job. */
  readonly isAwaited: boolean;
}

export const keptConnections = (width: number): Agent =>
  new Agent({ keepAlive: true, maxSockets: width });

/** Resolves with the answer to one submit; rejects where it is not what was asked for. */
export const submit = ({ port, agent, isAwaited }: Submitting): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization: "Bearer a-key-for-the-benchmark-that-is-long-enough",
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      ...(isAwaited ? { prefer: "wait=30" } : {}),
    };
    const sent = request(
      { port, agent, headers, method: "POST", path: "/chain-of-5" },
      (answer) => {
        answer.setEncoding("utf8");
        let text = "";
        answer.on("data", (part: string) => {
          text += part;
        });
        answer.on("end", () => {
          const isDone = !isAwaited || text.includes('"status":"complete"');
          if (answer.statusCode === 202 && isDone) resolve();
          else reject(new Error(`${answer.statusCode}: ${text.slice(0, 200)}`));
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
