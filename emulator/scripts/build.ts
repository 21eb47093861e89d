/**
 * Builds the package that is published, in a folder of its own (default `dist`), with a manifest of its own. The
 * workspace itself stays as it is, TypeScript that Node runs, and is private: nobody publishes it by mistake.
 *
 *   npm run build -w catena-emulator && npm publish ./emulator/dist
 */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("..", import.meta.url));
const target = resolve(process.argv[2] ?? join(workspace, "dist"));
const tsc = join(dirname(findPackageJSON("typescript", import.meta.url) ?? ""), "bin", "tsc");

rmSync(join(target, "src"), { recursive: true, force: true });
const flags = ["-p", join(workspace, "tsconfig.build.json"), "--outDir", join(target, "src")];
execFileSync(process.execPath, [tsc, ...flags], { stdio: "inherit" });
for (const name of ["model.json", "weights.bin"]) {
  const path = join("models", "tiny-copywriter", name);
  cpSync(join(workspace, path), join(target, path));
}
cpSync(join(workspace, "README.md"), join(target, "README.md"));
cpSync(join(workspace, "..", "LICENSE"), join(target, "LICENSE"));
chmodSync(join(target, "src", "main.js"), 0o755);
const manifest: unknown = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8"));
writeFileSync(join(target, "package.json"), `${JSON.stringify(published(manifest), null, 2)}\n`);

/** The manifest with compiled entry points and without what only the workspace needs. */
function published(manifest: unknown): object {
  const {
    private: _private,
    scripts: _scripts,
    devDependencies: _tools,
    ...rest
  } = membersOf(manifest);
  const bin = Object.entries(membersOf(rest["bin"]));
  const exports = Object.entries(membersOf(rest["exports"]));
  return {
    ...rest,
    bin: Object.fromEntries(bin.map(([name, source]) => [name, `${withoutEnding(source)}.js`])),
    exports: Object.fromEntries(
      exports.map(([name, source]) => [
        name,
        { types: `${withoutEnding(source)}.d.ts`, default: `${withoutEnding(source)}.js` },
      ]),
    ),
  };
}

function withoutEnding(source: unknown): string {
  return String(source).replace(/\.ts$/u, "");
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null)
    throw new Error("package.json lacks an object: itself, bin or exports");
  return { ...value };
}
