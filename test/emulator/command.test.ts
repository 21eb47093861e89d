/** The command as another language starts it: one line of JSON, a server, and gone with whoever started it. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createConcept, finished, instantEmulator } from "./emulator-client.ts";

const MAIN = fileURLToPath(new URL("../../emulator/src/main.ts", import.meta.url));

interface Run {
  readonly process: ChildProcessWithoutNullStreams;
  readonly out: () => string;
  readonly errors: () => string;
  readonly exit: Promise<number | null>;
  /** The first line of standard output. */
  readonly line: Promise<string>;
}

function run(...flags: readonly string[]): Run {
  const child = spawn(process.execPath, [MAIN, ...flags]);
  let out = "";
  let errors = "";
  const exit = once(child, "exit").then(() => child.exitCode);
  const line = new Promise<string>((resolve) => {
    child.stdout.on("data", (part: Buffer) => {
      out += part.toString("utf8");
      if (out.includes("\n")) resolve(out.slice(0, out.indexOf("\n")));
    });
  });
  child.stderr.on("data", (part: Buffer) => (errors += part.toString("utf8")));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await exit;
  });
  return { process: child, out: () => out, errors: () => errors, exit, line };
}

test("--json prints one line with the address, and the end of the input ends it", async () => {
  const emulator = run("--models", "instant", "--json", "--until-stdin-closes");
  const told = JSON.parse(await emulator.line) as { readonly url: string; readonly apiUrl: string };
  expect(told).toMatchObject({
    models: "instant",
    pid: emulator.process.pid,
    apiUrl: `${told.url}/v1`,
  });
  expect(told.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/u);
  const { id } = await createConcept(told);
  expect((await finished(told, id)).status).toBe("succeeded");
  emulator.process.stdin.end();
  expect(await emulator.exit).toBe(0);
  expect(emulator.out().trimEnd()).toBe(JSON.stringify(told));
  expect(emulator.errors()).toContain("leaving, its input ended");
});

test("settings are taken from flags, and SIGTERM ends it also while its input is open", async () => {
  const secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
  const flags = [
    "--set",
    `webhookSecret=${secret}`,
    "--set",
    "rateLimits=1/3000",
    "--token",
    "r8_x",
  ];
  const emulator = run("--models", "instant", "--json", "--until-stdin-closes", ...flags);
  const { url } = JSON.parse(await emulator.line) as { readonly url: string };
  const headers = { authorization: "Bearer r8_x" };
  const answer = await fetch(`${url}/v1/webhooks/default/secret`, { headers });
  expect(await answer.json()).toEqual({ key: secret });
  expect((await fetch(`${url}/v1/account`)).status).toBe(401);
  emulator.process.kill("SIGTERM");
  expect(await emulator.exit).toBe(0);
});

test("a port that is taken is said to be, and no other is taken instead", async () => {
  const { port } = await instantEmulator();
  const emulator = run("--models", "instant", "--port", String(port));
  expect(await emulator.exit).toBe(1);
  expect(emulator.errors()).toContain(`port ${port} of 127.0.0.1 cannot be taken`);
});

test.each([
  [["--port", "70000"], "--port is 0 to 65535, given: 70000"],
  [["--models", "big"], "--models is real or instant, given: big"],
  [["--idle-minutes", "0"], "--idle-minutes is a positive number, given: 0"],
  [["--set", "listLagMs=-1"], "--set listLagMs=-1: expected a number, 0 or more"],
  [["--set", "listLagMs"], "--set listLagMs: expected listLagMs=VALUE"],
  [["--set", "pageSize=0"], "expected a whole number, 1 or more"],
  [["--set", "isVersionHidden=yes"], "expected true or false"],
  [["--set", "webhookSecret=secret"], "expected whsec_"],
  [["--set", "deployments=a/b:c/d"], "there is no model c/d here"],
  [["--set", "rateLimits=many"], "expected documented, none, or creates/others"],
  [["--set", "throttlingAnnouncedIn=mail"], "expected one of header, body, both, neither"],
  [["--set", "nope=1"], "expected one of bootMs"],
  [["--nope"], "--help shows every flag"],
  [["file"], "--help shows every flag"],
])("%j is refused with a sentence", async (flags, sentence) => {
  const emulator = run(...flags);
  expect(await emulator.exit).toBe(1);
  expect(emulator.errors()).toContain(sentence);
  expect(emulator.errors()).not.toContain("    at ");
});
