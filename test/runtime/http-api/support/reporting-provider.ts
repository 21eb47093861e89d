/**
 * A provider that reports to us, and a Catena that keeps its reports as they came, so that a test can send
 * them again, elsewhere or later. Without them it would look after ten minutes only.
 */
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Schema } from "effect";
import { type Emulator, type FaultRule, startEmulator } from "../../../../emulator/src/emulator.ts";
import { Catena, Pipeline, Replicate, Step } from "../../../../src/index.ts";
import type { Entry } from "../../../../src/machines/entry.ts";
import { admin, base } from "./api.ts";

const token = "r8_a_token_that_must_stand_nowhere";

const line = Step.model("line", {
  input: Schema.String,
  output: Schema.NonEmptyString,
  model: "meta/meta-llama-3-8b-instruct",
  request: (product) => ({ prompt: `Product: ${product}` }),
  timeout: "20 seconds",
});
const lines = Pipeline.make("lines", { version: 1, input: Schema.String })
  .step(line)
  .output(Schema.String, ({ last }) => last);

/** A report as it came over the wire. */
export interface Report {
  /** Path and query: the intent's key is in it. */
  readonly address: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer<ArrayBuffer>;
}

interface Options {
  readonly pollEvery: "10 minutes" | "20 millis";
  readonly faults?: ReadonlyArray<FaultRule>;
  /** How long a prediction takes (ms). Default: 150. */
  readonly bootMs?: number;
  /** A provider beside it, whose reports are signed with another secret. */
  readonly hasBackup?: boolean;
}

const clientOf = (emulator: Emulator, webhook: string, looks: Array<string>) =>
  Replicate.client({
    token,
    baseUrl: `${emulator.url}/v1`,
    webhook,
    fetch: (input, init) => {
      const { method, url } = new Request(input, init);
      if (method === "GET") looks.push(new URL(url).pathname.split("/").at(-1) ?? "");
      return fetch(input, init);
    },
  });

export const startReporting = async ({
  pollEvery,
  faults = [],
  bootMs = 150,
  hasBackup = false,
}: Options) => {
  const late: { catena?: Catena } = {};
  const received: Array<Report> = [];
  const looks: Array<string> = [];
  const entries: Array<Entry> = [];
  const send = async ({ address, headers, body }: Report): Promise<number> => {
    const request = new Request(`${base}${address}`, { method: "POST", headers, body });
    return (await late.catena?.fetch(request))?.status ?? 503;
  };
  const server = createServer((req, res) => {
    void req.toArray().then(async (chunks: ReadonlyArray<Uint8Array>) => {
      const headers = Object.fromEntries(
        Object.entries(req.headers).filter(([name]) => name.startsWith("webhook-")),
      );
      // Headers of ours come once, and with them their value is a text.
      const report = { address: req.url ?? "", headers, body: Buffer.concat(chunks) } as Report;
      received.push(report);
      res.writeHead(await send(report)).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  // It listens on a port: only a pipe's address is text.
  const { port } = server.address() as AddressInfo;
  const emulator = await startEmulator({ models: "instant", bootMs, token, faults });
  const backup = hasBackup ? await startEmulator({ models: "instant", token }) : null;
  const webhook = `http://127.0.0.1:${port}/webhooks`;
  const replicate = clientOf(emulator, `${webhook}/replicate`, looks);
  const catena = await Catena.start({
    pipelines: [lines],
    models: {
      replicate,
      ...(backup === null
        ? {}
        : {
            backup: clientOf(backup, `${webhook}/backup`, looks).with({ provider: "backup" }),
          }),
    },
    pollEvery,
    lookEvery: "10 millis",
    http: { keys: [admin.key], requestsPerMinute: 100_000 },
    inspect: (seen) => entries.push(...seen.entries),
  });
  late.catena = catena;
  return {
    catena,
    emulator,
    backup,
    received,
    send,
    /** The ids of predictions that were asked for, in order. */
    looks,
    /** How often each intent was settled in a journal. */
    settlements: (): ReadonlyArray<number> => {
      const keys = entries.flatMap((entry) =>
        entry.type === "PredictionSettled" ? [entry.key] : [],
      );
      return [...new Set(keys)].map((key) => keys.filter((other) => other === key).length);
    },
    [Symbol.asyncDispose]: async () => {
      await catena.stop();
      await emulator[Symbol.asyncDispose]();
      await backup?.[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
  };
};

export type Reporting = Awaited<ReturnType<typeof startReporting>>;

/** The report signed by the secret's holder at that time (ms). */
export const signed = (
  secret: string,
  { address, body, at }: Pick<Report, "address"> & { readonly body: string; readonly at: number },
): Report => {
  const timestamp = String(Math.floor(at / 1_000));
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const digest = createHmac("sha256", key).update(`msg_1.${timestamp}.${body}`).digest("base64");
  return {
    address,
    headers: {
      "webhook-id": "msg_1",
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${digest}`,
    },
    body: Buffer.from(body),
  };
};
