/** What users install: compiled code and a command, nothing of the emulator, no browser. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Schema } from "effect";
import { expect, onTestFinished, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

const Names = Schema.Record(Schema.String, Schema.String);
const Manifest = Schema.Struct({
  dependencies: Names,
  peerDependencies: Names,
  devDependencies: Names,
  exports: Schema.Record(
    Schema.String,
    Schema.Union([Schema.String, Schema.Struct({ types: Schema.String, default: Schema.String })]),
  ),
});
const Packed = Schema.Array(
  Schema.Struct({ files: Schema.Array(Schema.Struct({ path: Schema.String })) }),
);

const manifest = async (): Promise<typeof Manifest.Type> =>
  Schema.decodeUnknownPromise(Schema.fromJsonString(Manifest))(
    await readFile(join(root, "package.json"), "utf8"),
  );

test("the package needs effect, xstate, replicate and what its command, its HTTP API and its notifications stand on, and nothing else", async () => {
  const { dependencies, peerDependencies, devDependencies } = await manifest();
  expect(Object.keys(dependencies)).toEqual([
    "@effect/platform-node",
    "@remix-run/node-fetch-server",
    "ipaddr.js",
    "nodemailer",
    "replicate",
  ]);
  expect(Object.keys(peerDependencies)).toEqual(["effect", "xstate"]);
  for (const peer of Object.keys(peerDependencies)) expect(devDependencies).toHaveProperty(peer);
});

test("the lock names no registry, so that everybody installs from their own", async () => {
  const lock = await readFile(join(root, "package-lock.json"), "utf8");
  expect(lock).not.toContain('"resolved": "http');
});

test("the emulator has the version of the package, as a new project asks for both by one", async () => {
  const Versioned = Schema.fromJsonString(Schema.Struct({ version: Schema.String }));
  const versions = await Promise.all(
    ["package.json", "emulator/package.json"].map(async (path) =>
      Schema.decodeUnknownPromise(Versioned)(await readFile(join(root, path), "utf8")),
    ),
  );
  expect(versions[1]).toEqual(versions[0]);
});

test("every entry point has a source", async () => {
  const { exports } = await manifest();
  const compiled = Object.values(exports).flatMap((target) =>
    typeof target === "string" ? [] : [target.default],
  );
  expect(compiled.length).toBeGreaterThan(0);
  for (const path of compiled) {
    const source = path.replace("./dist/", "src/").replace(/\.js$/, ".ts");
    expect(existsSync(join(root, source)), source).toBe(true);
  }
});

test("the package's files are compiled code, licence and words", async () => {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = await run("npm", args, { cwd: root });
  const [packed] = await Schema.decodeUnknownPromise(Schema.fromJsonString(Packed))(stdout);
  const paths = packed?.files.map(({ path }) => path) ?? [];
  const words = [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "bin/catena.cjs",
    "bin/start.cjs",
    "package.json",
  ];
  expect(paths.filter((path) => !path.startsWith("dist/"))).toEqual(words);
  expect(paths.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path))).toEqual(words);
});

/** Programs of the system and of this Node, which the command needs in npm's scripts as well. */
const environment = {
  PATH: [dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
  HOME: process.env["HOME"] ?? "",
  NO_COLOR: "1",
};

/** Runs it in the folder; what fails says all that was printed. */
const inFolder = async (
  cwd: string,
  command: string,
  ...args: ReadonlyArray<string>
): Promise<string> => {
  const { stdout } = await run(command, args, { cwd, env: environment, maxBuffer: 1e8 }).catch(
    (error: unknown) => {
      const said = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
      throw new Error(`${command} ${args.join(" ")}: ${String(error)}\n${said}`);
    },
  );
  return stdout;
};

const emptyFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-package-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** The project of `catena init`, with packages of this source in the place of the published ones. */
const installPacked = async (): Promise<string> => {
  const [packed, emulator, folder] = [
    await emptyFolder(),
    await emptyFolder(),
    await emptyFolder(),
  ];
  await inFolder(root, process.execPath, join(root, "emulator/scripts/build.ts"), emulator);
  await inFolder(root, "npm", "pack", "--silent", "--pack-destination", packed);
  const [tarball = "none"] = await readdir(packed);
  await inFolder(folder, process.execPath, join(root, "bin/catena.cjs"), "init");
  const path = join(folder, "package.json");
  const project = await readFile(path, "utf8");
  const sources = { "catena-ai": join(packed, tarball), "catena-emulator": emulator };
  const from = Object.entries(sources).reduce((manifest, [name, source]) => {
    const range = new RegExp(`"${name}": "[^"]*"`);
    expect(manifest).toMatch(range);
    return manifest.replace(range, `"${name}": "file:${source}"`);
  }, project);
  await writeFile(path, from);
  await inFolder(folder, "npm", "install", "--prefer-offline", "--no-audit", "--no-fund");
  return folder;
};

test(
  "packed and installed beside its peers, a project begun with init compiles, tests green and runs",
  { timeout: 240_000 },
  async () => {
    const folder = await installPacked();
    const dist = join(folder, "node_modules/catena-ai/dist");
    expect(await foreignTo(dist, (path) => !path.startsWith("runtime/cli/"))).toEqual([
      "@remix-run/node-fetch-server",
      "effect",
      "effect/",
      "ipaddr.js",
      "node:",
      "replicate",
      "xstate",
    ]);
    // The files of a new project hold code of their own.
    const isCommand = (path: string) => /^runtime\/cli\/(?!init\/)/.test(path);
    expect(await foreignTo(dist, isCommand)).toEqual([
      "@effect/platform-node/",
      "effect",
      "effect/",
      "node:",
    ]);
    await inFolder(folder, "npm", "run", "types");
    const tested = await inFolder(folder, "npm", "test");
    expect(tested).toMatch(/^ℹ fail 0$/m);
    expect(tested).toMatch(/^✔ a brief becomes a headline/m);

    const catena = join(folder, "node_modules/.bin/catena");
    const models = `
      import { Catena, Functions } from "catena-ai";
      import { headline } from "./pipelines/headline.ts";
      const run = () => JSON.stringify({ headline: " Cold ", visual_direction: "dawn", tone: "calm" });
      const models = Functions.client({ models: { "meta/meta-llama-3-8b-instruct": { run } } });
      export default Catena.config({ pipelines: [headline], models, pollEvery: "10 millis" });`;
    await writeFile(join(folder, "plain.config.ts"), models);
    const words = ["run", "headline", "brief.json", "--config", "plain.config.ts"];
    const ran = await inFolder(folder, catena, ...words);
    expect(JSON.parse(ran)).toEqual({ headline: "Cold.", tone: "calm" });
    expect(await inFolder(folder, catena, "check")).toContain("Checked headline@1: 0 errors");

    const script = [
      'import { Catena } from "catena-ai";',
      'import { paths } from "catena-ai/testing";',
      'import { startEmulator } from "catena-emulator";',
      "console.log(typeof Catena.start, typeof paths, typeof startEmulator);",
    ];
    await writeFile(join(folder, "plain.js"), script.join("\n"));
    expect(await inFolder(folder, process.execPath, "plain.js")).toBe(
      "function function function\n",
    );
  },
);

/** What the compiled files under the folder import that is not theirs; with subpaths as their package and a slash. */
const foreignTo = async (
  folder: string,
  isMeant: (path: string) => boolean,
): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(folder, { recursive: true });
  const paths = entries.filter((path) => path.endsWith(".js") && isMeant(path));
  const codes = await Promise.all(paths.map((path) => readFile(join(folder, path), "utf8")));
  const imported = codes.flatMap((code) => [...code.matchAll(/ from "([^."][^"]*)"/g)]);
  const names = imported.map(([, name = ""]) =>
    name.replace(/^(node:|effect\/|@effect\/platform-node\/).*/, "$1"),
  );
  return [...new Set(names)].sort();
};
