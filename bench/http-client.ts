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

const authorization = "Bearer a-key-for-the-benchmark-that-is-long-enough";

/** Resolves once no job waits or runs; at once where the server knows of no jobs. */
export const drained = async (port: number): Promise<void> => {
  for (const status of ["pending", "processing"])
    for (;;) {
      const url = `http://127.0.0.1:${port}/jobs?status=${status}&limit=1`;
      const text = await (await fetch(url, { headers: { authorization } })).text();
      if (!text.includes('"jobs":[{')) break;
    }
};

/** Resolves with the answer to one submit; rejects where it is not what was asked for. */
export const submit = ({ port, agent, isAwaited }: Submitting): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = {
      authorization,
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
