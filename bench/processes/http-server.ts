/**
 * A server to be measured: `catena` serves chains of five steps over HTTP, `floor` inserts one row a request
 * and answers 202. Arguments: which, the database's path, the durability. Says the port once it listens.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { Catena } from "../../src/index.ts";
import { chainOf } from "../chain.ts";

const [which = "", store = "", durability = ""] = process.argv.slice(2);

const secret = "a-key-for-the-benchmark-that-is-long-enough";

const catena = async (): Promise<RequestListener> => {
  const { handler } = await Catena.start({
    pipelines: [chainOf({ length: 5 })],
    store,
    durability: durability === "full" ? "full" : "normal",
    http: {
      keys: [{ id: "bench", secret, scopes: ["submit", "read"] }],
      requestsPerMinute: 100_000_000,
    },
  });
  return handler;
};

const floor = (): RequestListener => {
  const db = new DatabaseSync(store);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durability}`);
  db.exec("CREATE TABLE jobs (id TEXT PRIMARY KEY, input TEXT)");
  const insert = db.prepare("INSERT INTO jobs VALUES (?, ?)");
  return (request, response) => {
    if (request.method === "GET") {
      response.end("{}");
      return;
    }
    void request.toArray().then((chunks: ReadonlyArray<Uint8Array>) => {
      const input: unknown = JSON.parse(Buffer.concat(chunks).toString());
      const id = randomUUID();
      insert.run(id, JSON.stringify(input));
      response.writeHead(202, { "content-type": "application/json" });
      response.end(JSON.stringify({ job_id: id, status: "complete" }));
    });
  };
};

// No connection is closed while it rests between two measurements.
const options = { keepAliveTimeout: 0 };
const server = createServer(options, which === "floor" ? floor() : await catena());
server.listen(0, "127.0.0.1");
await once(server, "listening");
// It listens on a port: only a pipe's address is text.
process.send?.({ port: (server.address() as AddressInfo).port });
