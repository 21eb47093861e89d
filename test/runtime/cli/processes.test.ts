/** The command as users have it: processes, with pipes, signals, and one another for company. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { catena } from "./support/in-process.ts";
import { emptyFolder, posterConfig, projectWith, put } from "./support/project.ts";
import { ran, start } from "./support/process.ts";

const posters = () => projectWith({ "catena.config.ts": posterConfig });
const patience = { timeout: 90_000 };

/** How often the journal of the job says so. */
const countIn = async (folder: string, id: string, type: string): Promise<number> => {
  const { out } = await catena(folder, ["show", id, "--json"]);
  return out.match(new RegExp(`"type": "${type}"`, "g"))?.length ?? 0;
};

describe("catena run", () => {
  test(
    "reads a pipe, writes its output into one, and everything else beside it",
    patience,
    async () => {
      const folder = await posters();
      const input = '{ "product": "bottle" }';
      const ended = await ran(["run", "poster", "-"], { folder, input });
      expect(ended).toMatchObject({ code: 0, out: '{\n  "headline": "bottle!"\n}\n' });
      expect(ended.err).toContain("a step prints this");
      expect(ended.err).not.toContain("\u001b[");
      const failed = await ran(["run", "poster", "-"], { folder, input: '{ "product": "bad" }' });
      expect(failed).toMatchObject({ code: 1, out: "" });
    },
  );

  test(
    "leaves its job as it stands on Ctrl-C, and says what goes on with it",
    patience,
    async () => {
      const folder = await posters();
      const gate = join(folder, "open");
      const words = ["run", "poster", "--set", "product=x", "--set", `gate=${gate}`];
      const running = start(words, { folder });
      await running.says(/gate +attempt 1 begins/);
      running.kill("SIGINT");
      const ended = await running.ended;
      expect(ended).toMatchObject({ code: 130, out: "" });
      const [, id = ""] = /catena resume (\S+) --wait/.exec(ended.err) ?? [];
      await writeFile(gate, "");
      const resumed = await ran(["resume", id, "--wait"], { folder });
      expect(resumed).toMatchObject({ code: 0, out: '{\n  "headline": "x!"\n}\n' });
      expect(await countIn(folder, id, "PredictionIntended")).toBe(1);
    },
  );

  test("goes on with a job that was killed in the middle", patience, async () => {
    const folder = await posters();
    const gate = join(folder, "open");
    const words = ["run", "poster", "--set", "product=x", "--set", `gate=${gate}`, "--key", "k"];
    const running = start(words, { folder });
    await running.says(/gate +attempt 1 begins/);
    running.kill("SIGKILL");
    await running.ended;
    await writeFile(gate, "");
    const again = await ran(words, { folder });
    expect(again).toMatchObject({ code: 0, out: '{\n  "headline": "x!"\n}\n' });
    expect(again.err).toContain("taken over from a process that died");
  });

  test("takes no job but its own", patience, async () => {
    const folder = await posters();
    const waiting = await catena(folder, ["run", "poster", "--set", "product=w", "--detach"]);
    await ran(["run", "poster", "--set", "product=x"], { folder });
    const { out } = await catena(folder, ["show", waiting.out.trim(), "--json"]);
    expect(JSON.parse(out)).toMatchObject({ job: { status: "pending" } });
  });
});

describe("catena serve --no-http", () => {
  test("runs what others submit and tell, and leaves when it is told to", patience, async () => {
    const folder = await posters();
    const served = start(["serve", "--no-http"], { folder });
    await served.says(/Runs the jobs of poster@1/);
    const gate = join(folder, "open");
    const words = ["run", "poster", "--set", "product=x", "--set", `gate=${gate}`, "--detach"];
    const id = (await catena(folder, words)).out.trim();
    await served.says(/a step prints this/);
    const paused = await catena(folder, ["pause", id]);
    expect(paused).toMatchObject({ code: 0, out: "The process that runs the job has it.\n" });
    const shown = async () => (await catena(folder, ["show", id])).out;
    await expect.poll(shown, { timeout: 30_000 }).toContain("(paused)");
    expect(await shown()).toContain(`go on with catena resume ${id}\n`);
    await catena(folder, ["resume", id]);
    const cancelled = await catena(folder, ["cancel", id, "--wait", "--json"]);
    expect(JSON.parse(cancelled.out)).toMatchObject({ jobId: id, status: "cancelled" });
    served.kill("SIGTERM");
    expect(await served.ended).toMatchObject({ code: 0, signal: null });
    const { out } = await catena(folder, ["jobs", "--json"]);
    expect(JSON.parse(out)).toMatchObject([{ jobId: id, status: "cancelled" }]);
  });
});

describe("catena serve", () => {
  test("serves the HTTP API to who has a key of the environment", patience, async () => {
    const folder = await posters();
    const key = "a-key-of-the-environment-that-is-long-enough";
    const served = start(["serve"], { folder, environment: { CATENA_API_KEYS: key } });
    const [, address = ""] = await served.says(/HTTP API at (http:\S+?), callers need a key/);
    const ask = (path: string, init: RequestInit = {}) =>
      fetch(`${address}${path}`, {
        ...init,
        headers: {
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          prefer: "wait=20",
        },
      });
    expect((await fetch(`${address}/poster`, { method: "POST", body: "{}" })).status).toBe(401);
    const submitted = await ask("/poster", {
      method: "POST",
      body: JSON.stringify({ product: "bottle" }),
    });
    expect(await submitted.json()).toMatchObject({
      status: "complete",
      output: { headline: "bottle!" },
    });
    served.kill("SIGTERM");
    expect(await served.ended).toMatchObject({ code: 0, signal: null });
  });

  test("listens where others can reach it only with keys", patience, async () => {
    const folder = await posters();
    const ended = await ran(["serve"], { folder, environment: { CATENA_HOST: "0.0.0.0" } });
    expect(ended.code).toBe(1);
    expect(ended.err).toContain("Expected http.keys before listening on 0.0.0.0");
    expect(ended.err).toContain("CATENA_API_KEYS");
  });
});

describe("secrets", () => {
  const environment = {
    REPLICATE_API_TOKEN: "r8_canary_of_replicate",
    CATENA_API_KEYS: "canary-of-the-first-key-that-is-long,canary-of-the-second-key-that-is-long",
    REPLICATE_WEBHOOK_SECRET: "whsec_canaryOfWebhooks",
    ACME_API_KEY: "canary-of-acme",
  };
  const canaries = /canary/i;

  test("of the environment are in no output, whoever says them", patience, async () => {
    const leaky = posterConfig.replace(
      'throw new TypeError("cannot read the headline")',
      'throw new TypeError("no: " + process.env.REPLICATE_API_TOKEN + process.env.ACME_API_KEY)',
    );
    const folder = await projectWith({
      "catena.config.ts": leaky,
      "broken.config.ts": 'throw new Error("token " + process.env.REPLICATE_API_TOKEN);',
      "remote.config.ts": leaky.replace(/models: Functions[^\n]*\n/, "\n"),
    });
    const said: Array<string> = [];
    for (const words of [
      ["run", "poster", "--set", "product=boom"],
      ["jobs", "--json"],
      ["check", "--config", "broken.config.ts"],
      ["run", "poster", "--set", "product=x", "--config", "remote.config.ts", "--store", "r.db"],
    ]) {
      // Nobody listens there: what the client says of it is all that comes.
      const where = { REPLICATE_BASE_URL: "http://127.0.0.1:9/v1" };
      const { out, err } = await ran(words, { folder, environment: { ...environment, ...where } });
      said.push(out, err);
    }
    expect(said.join("")).toContain("[secret]");
    expect(said.join("")).not.toMatch(canaries);
  });

  test("that are wrong are refused without being shown", patience, async () => {
    const folder = await posters();
    for (const [name, value] of Object.entries({
      CATENA_API_KEYS: "canary",
      REPLICATE_API_TOKEN: "canary canary",
      REPLICATE_WEBHOOK_SECRET: "canary",
    })) {
      const { code, out, err } = await catena(folder, ["jobs"], { [name]: value });
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain(`${name}: expected`);
      expect(err).not.toMatch(canaries);
    }
  });
});

describe("the bin", () => {
  const bin = fileURLToPath(new URL("../../../bin/catena.cjs", import.meta.url));

  test.each([
    ["18.20.4", false],
    ["22.18.9", false],
    ["6.17.1", false],
  ])("on Node %s says what it needs and exits 2", patience, async (version) => {
    const folder = await emptyFolder();
    const older = `Object.defineProperty(process.versions, "node", { value: "${version}" });`;
    await put(folder, "older.cjs", older);
    const program = ["--require", join(folder, "older.cjs"), bin];
    const ended = await ran(["jobs"], { folder, program });
    expect(ended).toMatchObject({
      code: 2,
      out: "",
      err: `catena needs Node 22.19 or newer, and this is Node ${version}.\n`,
    });
  });
});

test("completions are a script for the shell", patience, async () => {
  const folder = await emptyFolder();
  const bash = await ran(["--completions", "bash"], { folder });
  expect(bash.code).toBe(0);
  expect(bash.out).toContain("catena");
  for (const word of ["run", "serve", "jobs", "--only", "--no-http"])
    expect(bash.out).toContain(word);
  expect((await catena(folder, ["--completions", "tcsh"])).code).toBe(2);
});

test("a config in a package of CommonJS is told how to be a module", patience, async () => {
  const folder = await projectWith({
    "package.json": '{ "type": "commonjs" }',
    "catena.config.ts": 'import { Catena } from "catena-ai";\nexport default Catena;\n',
  });
  const { code, err } = await ran(["check"], { folder });
  expect([code, err]).toEqual([
    2,
    expect.stringContaining('write "type": "module" there, or name'),
  ]);
});

test("a config that is no TypeScript is shown where it is wrong", patience, async () => {
  const folder = await projectWith({ "catena.config.ts": "export default {\n  pipelines: [;\n};" });
  const { code, err } = await ran(["check"], { folder });
  expect(code).toBe(2);
  expect(err).toMatch(/catena\.config\.ts cannot be imported\.\n +.*catena\.config\.ts:2/);
});
