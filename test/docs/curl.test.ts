/** The blocks of shell in docs/api.md are true: each runs as it stands against a service of that page's pipeline. */
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { Schema } from "effect";
import { expect, test } from "vitest";
import { Catena, newApiKey, Pipeline, Step } from "../../src/index.ts";
import { root } from "./programs.ts";

const hasCurl = (): boolean => {
  try {
    execFileSync("curl", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

const Order = Schema.Struct({ product: Schema.NonEmptyString });
const Slogan = Schema.Struct({ slogan: Schema.String });
const poster = Pipeline.make("poster", { version: 1, input: Order })
  .step(
    Step.make("slogan", {
      input: Order,
      output: Slogan,
      run: ({ product }) => ({ slogan: `${product}: never without it` }),
    }),
  )
  .output(Slogan, ({ last }) => last);

test.runIf(hasCurl())("the shell of api.md does what it says", async () => {
  const page = await readFile(join(root, "docs/api.md"), "utf8");
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, code = ""]) => code);
  expect(blocks).not.toEqual([]);
  const { secret, sha256 } = newApiKey();
  await using catena = await Catena.start({
    pipelines: [poster],
    http: { keys: [{ id: "docs", sha256, scopes: ["submit", "read", "operate"] }] },
  });
  const server = createServer(catena.handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    // It listens on a port: only a pipe's address is text.
    const { port } = server.address() as AddressInfo;
    const env = { PATH: process.env["PATH"] ?? "", KEY: secret, API: `http://127.0.0.1:${port}` };
    for (const block of blocks) {
      const { stdout } = await promisify(execFile)("sh", ["-eu", "-c", block], { env });
      // What a line says behind `#` that it prints.
      for (const [, promised = ""] of block.matchAll(/ # prints (.*)$/gm))
        expect(stdout).toContain(promised);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
