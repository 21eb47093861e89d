/** Code of documentation as programs of a folder of their own, compiled and run as users would have them. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

export const root = fileURLToPath(new URL("../..", import.meta.url));

const modules = new Map([
  ["catena-ai", "src/index.ts"],
  ["catena-ai/testing", "src/testing.ts"],
  ["catena-emulator", "emulator/src/emulator.ts"],
]);

/** The code with the packages that it imports at their sources. */
export const resolved = (code: string): string =>
  [...modules].reduce(
    (text, [name, path]) => text.replaceAll(`"${name}"`, JSON.stringify(join(root, path))),
    code,
  );

export interface Programs {
  readonly folder: string;
  readonly write: (file: string, code: string) => Promise<void>;
  /** What the compiler says of all programs in the folder; empty where it is content. */
  readonly compile: () => Promise<string>;
  /** What the program prints. Rejects where it ends badly. */
  readonly run: (file: string, cwd?: string) => Promise<string>;
  readonly remove: () => Promise<void>;
}

/** Programs that start a client of Replicate without asking it anything are given a token that is none. */
const env = { ...process.env, REPLICATE_API_TOKEN: "r8_of_the_documentation" };

/** A folder with the project's packages and nothing else. */
export const openPrograms = async (): Promise<Programs> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-docs-"));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  const write = (file: string, code: string) => writeFile(join(folder, file), code);
  return {
    folder,
    write,
    compile: async () => {
      const config = { extends: join(root, "tsconfig.json"), include: ["*.ts"], exclude: [] };
      const compilerOptions = { types: ["node"], typeRoots: [join(root, "node_modules/@types")] };
      await write("tsconfig.json", JSON.stringify({ ...config, compilerOptions }));
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch(outputOf);
      return stdout;
    },
    run: async (file, cwd = folder) => {
      const { stdout } = await run(process.execPath, [join(folder, file)], { cwd, env });
      return stdout;
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};

/** A compiler that found something is told by what it printed. */
const outputOf = (error: unknown): { readonly stdout: string } => {
  if (error instanceof Error && "stdout" in error) return { stdout: String(error.stdout) };
  throw error;
};
