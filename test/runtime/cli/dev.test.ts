/** `catena dev`: pipelines change under way, jobs keep what they began with, mistakes change nothing. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { newApiKey } from "../../../src/index.ts";
import { catena } from "./support/in-process.ts";
import { projectWith, put } from "./support/project.ts";
import { start } from "./support/process.ts";

const patience = { timeout: 90_000 };

const config = `
import { greeting } from "./pipelines/greeting.ts";
export default { pipelines: [greeting], lookEvery: "20 millis" };
`;

/** A pipeline that waits for a file, says its word, and then once more in a second step. */
const pipeline = (word: string): string => `
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Schema } from "effect";
import { Pipeline, Step } from "catena-ai";
import { mark } from "../mark.ts";

const wait = Step.make("wait", {
  input: Schema.String,
  output: Schema.String,
  run: async (file, { signal }) => {
    while (!existsSync(file)) await pause(20, undefined, { signal });
    return "${word}";
  },
});
const say = Step.make("say", {
  input: Schema.String,
  output: Schema.String,
  run: (text) => text + " and ${word}" + mark,
});
export const greeting = Pipeline.make("greeting", { version: 1, input: Schema.String })
  .step(wait)
  .step(say)
  .output(Schema.String, ({ last }) => last);
`;

const outputOf = async (folder: string, id: string): Promise<unknown> => {
  const shown: unknown = JSON.parse((await catena(folder, ["show", id, "--json"])).out);
  return typeof shown === "object" && shown !== null && "output" in shown ? shown.output : null;
};

test("jobs under way keep their definitions, new ones have the saved ones", patience, async () => {
  const folder = await projectWith({
    "catena.config.ts": config,
    "pipelines/greeting.ts": pipeline("one"),
    "mark.ts": 'export const mark = ".";',
  });
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const submit = async (file: string): Promise<string> => {
    await put(folder, "input.json", JSON.stringify(file));
    return (await catena(folder, ["run", "greeting", "input.json", "--detach"])).out.trim();
  };
  const dev = start(["dev"], { folder });
  await dev.says(/Runs the jobs of greeting@1/);
  await dev.says(/Watches the 3 files/);
  const old = await submit(first);
  await dev.says(/wait +attempt 1 begins/);
  await put(folder, "pipelines/greeting.ts", pipeline("two"));
  await dev.says(/Reloaded greeting@1; 1 under way keep the definitions they began with/);
  const young = await submit(second);
  // Behind the import that is not the config's own, too.
  await put(folder, "mark.ts", "export const mark = ;");
  await dev.says(/mark\.ts:1[^]*Not reloaded: the definitions before stay/);
  await writeFile(first, "");
  await dev.says(/The jobs of the definitions before are finished/);
  await writeFile(second, "");
  await dev.says(new RegExp(`${young.slice(-6)} +complete`));
  await put(folder, "mark.ts", 'export const mark = "!";');
  await dev.says(/Reloaded greeting@1\n/);
  const third = await submit(second);
  await dev.says(new RegExp(`${third.slice(-6)} +complete`));
  dev.kill("SIGINT");
  expect(await dev.ended).toMatchObject({ code: 0, signal: null });
  expect(await outputOf(folder, old)).toBe("one and one.");
  expect(await outputOf(folder, young)).toBe("two and two.");
  expect(await outputOf(folder, third)).toBe("two and two!");
});

test(
  "a config whose API may not be served is not taken, and the one before is served on",
  patience,
  async () => {
    const { secret, sha256 } = newApiKey();
    const withKeys = `http: { keys: [{ id: "me", sha256: "${sha256}", scopes: ["read"] }] },`;
    const configOf = (http: string) => config.replace("pipelines:", `${http} pipelines:`);
    const folder = await projectWith({
      "catena.config.ts": configOf(withKeys),
      "pipelines/greeting.ts": pipeline("one"),
      "mark.ts": 'export const mark = ".";',
    });
    const dev = start(["dev"], { folder, environment: { CATENA_HOST: "0.0.0.0" } });
    const [, port = ""] = await dev.says(/HTTP API at http:\/\/0\.0\.0\.0:(\d+)/);
    await dev.says(/Watches the 3 files/);
    await put(folder, "catena.config.ts", configOf(""));
    await dev.says(/Expected http\.keys[^]*Not reloaded: the definitions before stay/);
    const headers = { authorization: `Bearer ${secret}` };
    const answer = await fetch(`http://127.0.0.1:${port}/jobs`, { headers });
    expect([answer.status, await answer.json()]).toEqual([200, { jobs: [], next_cursor: null }]);
    dev.kill("SIGINT");
    expect((await dev.ended).code).toBe(0);
  },
);

test("models without a token are at an emulator in the same process", patience, async () => {
  const folder = await projectWith({
    "catena.config.ts": `
      import { Schema } from "effect";
      import { Pipeline, Step } from "catena-ai";
      const write = Step.model("write", {
        input: Schema.String,
        output: Schema.String,
        model: "meta/meta-llama-3-8b-instruct",
        request: (prompt) => ({ prompt }),
      });
      const text = Pipeline.make("text", { version: 1, input: Schema.String })
        .step(write)
        .output(Schema.String, ({ last }) => last);
      export default { pipelines: [text], lookEvery: "20 millis", pollEvery: "20 millis" };
    `,
    "input.json": '"hello"',
  });
  const dev = start(["dev", "--models", "instant", "--json"], { folder });
  const [, url = ""] = await dev.says(/Emulator of Replicate at (http:\S+\/v1)/);
  await dev.says(/"event":"started"/);
  const environment = { REPLICATE_BASE_URL: url, REPLICATE_API_TOKEN: "any" };
  const words = ["run", "text", "input.json", "--detach"];
  const detached = await catena(folder, words);
  const id = detached.out.trim();
  expect(detached).toMatchObject({ code: 0 });
  const seen = await catena(folder, ["resume", id, "--wait", "--json"], environment);
  expect(seen).toMatchObject({ code: 0 });
  expect(JSON.parse(seen.out)).toMatchObject({ jobId: id, status: "complete" });
  dev.kill("SIGTERM");
  expect((await dev.ended).code).toBe(0);
});

test("an emulator by itself says how it is reached", patience, async () => {
  const folder = await projectWith({});
  const emulator = start(["emulator", "--models", "instant", "--port", "0"], { folder });
  const [, url = "", token = ""] = await emulator.says(
    /export REPLICATE_BASE_URL=(\S+) REPLICATE_API_TOKEN=(\S+)/,
  );
  const answer = await fetch(`${url}/predictions`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(answer.status).toBe(200);
  await answer.arrayBuffer();
  emulator.kill("SIGINT");
  expect((await emulator.ended).code).toBe(0);
});
