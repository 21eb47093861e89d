/** The package as strangers get it: built, packed, installed without TensorFlow, run by plain Node. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import {
  createConcept,
  finished,
  NSFW_VERSION,
  post,
  type WirePrediction,
} from "./emulator-client.ts";

const run = promisify(execFile);
const build = fileURLToPath(new URL("../../emulator/scripts/build.ts", import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "catena-emulator-package-"));
  const built = join(folder, "built");
  await run(process.execPath, [build, built]);
  await run("npm", ["pack", "--pack-destination", folder], { cwd: built });
  await writeFile(join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const [tarball = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  const flags = ["--offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await run("npm", ["install", ...flags, join(folder, tarball)], { cwd: folder });
}, 90_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(models: "real" | "instant"): Promise<{ readonly url: string }> {
  const command = join(folder, "node_modules", ".bin", "catena-emulator");
  const flags = ["--models", models, "--json", "--until-stdin-closes"];
  const child = spawn(process.execPath, [command, ...flags], { cwd: folder });
  onTestFinished(async () => {
    const exit = once(child, "exit");
    child.stdin.end();
    await exit;
  });
  const [line]: unknown[] = await once(child.stdout, "data");
  return JSON.parse(String(line)) as { readonly url: string };
}

test("it holds compiled code, declarations, the small model and words, and asks for nothing", async () => {
  const installed = await readdir(join(folder, "node_modules"));
  expect(installed.filter((name) => !name.startsWith("."))).toEqual(["catena-emulator"]);
  const home = join(folder, "node_modules", "catena-emulator");
  expect((await readdir(home)).toSorted()).toEqual([
    "LICENSE",
    "README.md",
    "models",
    "package.json",
    "src",
  ]);
  const files = await readdir(join(home, "src"), { recursive: true, withFileTypes: true });
  const sources = files.filter((entry) => entry.isFile() && !/\.(?:js|d\.ts)$/u.test(entry.name));
  expect(sources).toEqual([]);
});

test("its entry points can be imported", async () => {
  const names = ["catena-emulator", "catena-emulator/connect", "catena-emulator/command"];
  const script = `for (const name of ${JSON.stringify(names)}) console.log(Object.keys(await import(name)).join())`;
  const flags = ["--input-type=module", "--eval", script];
  const { stdout } = await run(process.execPath, flags, { cwd: folder });
  expect(stdout).toBe("startEmulator\nconnectEmulator\nrunEmulator\n");
});

test("canned answers need no model, toys need TensorFlow for pictures' moderation only", async () => {
  const instant = await start("instant");
  expect((await finished(instant, (await createConcept(instant)).id)).status).toBe("succeeded");
  const real = await start("real");
  expect((await finished(real, (await createConcept(real)).id)).status).toBe("succeeded");
  const input = { image: "data:image/png;base64,AA==" };
  const made = await post(real, "/v1/predictions", { version: NSFW_VERSION, input });
  const { id } = (await made.json()) as WirePrediction;
  expect(await finished(real, id)).toMatchObject({
    status: "failed",
    error: expect.stringMatching(/packages that are not installed; npm install nsfwjs@/u),
  });
});
