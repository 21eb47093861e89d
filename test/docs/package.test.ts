/** What users install: compiled code and three packages, nothing of the emulator, no server, no browser. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("the package needs effect, xstate, replicate and a fetch server for Node, and nothing else", async () => {
  const { dependencies, peerDependencies, devDependencies } = await manifest();
  expect(Object.keys(dependencies)).toEqual(["@remix-run/node-fetch-server", "replicate"]);
  expect(Object.keys(peerDependencies)).toEqual(["effect", "xstate"]);
  for (const peer of Object.keys(peerDependencies)) expect(devDependencies).toHaveProperty(peer);
});

test("the lock names no registry, so that everybody installs from their own", async () => {
  const lock = await readFile(join(root, "package-lock.json"), "utf8");
  expect(lock).not.toContain('"resolved": "http');
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
  const words = ["CHANGELOG.md", "LICENSE", "README.md", "package.json"];
  expect(paths.filter((path) => !path.startsWith("dist/"))).toEqual(words);
  expect(paths.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path))).toEqual(words);
});

test(
  "the compiled package can be imported by plain Node and needs what it names",
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "catena-package-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    const dist = join(folder, "dist");
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const config = join(root, "tsconfig.build.json");
    await run(process.execPath, [tsc, "-p", config, "--outDir", dist]);
    const compiled = await filesIn(dist);
    const imported = compiled.flatMap((code) => [...code.matchAll(/ from "([^."][^"]*)"/g)]);
    const foreign = new Set(
      imported.map(([, name = ""]) => name.replace(/^(node:|effect\/).*/, "$1")),
    );
    const named = [
      "@remix-run/node-fetch-server",
      "effect",
      "effect/",
      "node:",
      "replicate",
      "xstate",
    ];
    expect([...foreign].sort()).toEqual(named);
    const script = `const { Catena } = await import(${JSON.stringify(join(dist, "index.js"))}); console.log(typeof Catena.start)`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: tmpdir(),
    });
    expect(stdout).toBe("function\n");
  },
);

/** The compiled code under the folder. */
const filesIn = async (folder: string): Promise<ReadonlyArray<string>> => {
  const entries = await readdir(folder, { recursive: true });
  const paths = entries.filter((path) => path.endsWith(".js"));
  return Promise.all(paths.map((path) => readFile(join(folder, path), "utf8")));
};
