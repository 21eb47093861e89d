/** The config: found beside the work, imported as it lies, TypeScript included. */
import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Effect } from "effect";
import type { Layer } from "effect";
import type { AnyPipeline } from "../../machines/pipeline.ts";
import type { RuntimeOptions } from "../options.ts";
import { firstLineInUserCode } from "../services/defect.ts";
import { checkPipelines } from "../start-engine.ts";
import { asUsage, UsageError } from "./ending.ts";

/** What a config exports: what `Catena.start` takes. */
export interface ConfigOptions extends RuntimeOptions {
  readonly pipelines: ReadonlyArray<AnyPipeline>;
  readonly layer?: Layer.Layer<never, unknown>;
}

const names = ["catena.config.ts", "catena.config.mts", "catena.config.js", "catena.config.mjs"];

/** The path of the config; null where none was named and none is in the folder. Fails with: UsageError. */
export const findConfig = (
  folder: string,
  named: string | null,
): Effect.Effect<string | null, UsageError> => {
  if (named === null) {
    const name = names.find((candidate) => existsSync(join(folder, candidate)));
    return Effect.succeed(name === undefined ? null : join(folder, name));
  }
  const path = resolve(folder, named);
  if (existsSync(path) && statSync(path).isFile()) return Effect.succeed(path);
  return Effect.fail(new UsageError({ message: `There is no config ${path}.` }));
};

/** Fails with: UsageError, that says where in the user's code. */
export const requireConfig = (path: string | null, folder: string) =>
  path === null
    ? Effect.fail(
        new UsageError({
          message: `There is no catena.config.ts (.mts, .js, .mjs) in ${folder}: "catena init" makes one, --config FILE names one.`,
        }),
      )
    : Effect.succeed(path);

/** `generation` tells one import of the same files from the one before; 0 is the first. Fails with: UsageError. */
export const importConfig = Effect.fnUntraced(function* (
  path: string,
  generation = 0,
): Effect.fn.Return<ConfigOptions, UsageError> {
  const url = pathToFileURL(path);
  if (generation > 0) url.searchParams.set("catena", String(generation));
  const imported: unknown = yield* Effect.tryPromise({
    try: () => import(url.href),
    catch: (error) => new UsageError({ message: whyNot(path, error) }),
  });
  const options: unknown =
    typeof imported === "object" && imported !== null && "default" in imported
      ? imported.default
      : undefined;
  if (isConfig(options)) {
    yield* asUsage(Effect.sync(() => checkPipelines(options.pipelines)));
    return options;
  }
  return yield* new UsageError({
    message: `${path}: expected a default export with what Catena.start takes, { pipelines, … }, got ${kindOf(options)}.`,
  });
});

/** Everything else in it is checked as every start is checked. */
const isConfig = (options: unknown): options is ConfigOptions =>
  typeof options === "object" && options !== null && "pipelines" in options;

const kindOf = (value: unknown): string => {
  if (value === undefined) return "none";
  return typeof value === "object" && value !== null
    ? `an object with ${Object.keys(value).join(", ") || "nothing in it"}`
    : `a ${typeof value}`;
};

const whyNot = (path: string, error: unknown): string => {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  if (code === "ERR_UNKNOWN_FILE_EXTENSION")
    return `${path} is TypeScript, which this Node (${process.version}) does not run: take Node 22.19, 24 or newer, or write the config in JavaScript.`;
  // Node's own warning names neither the line to write nor the other way.
  const hint =
    error instanceof SyntaxError && error.message.includes("import statement outside a module")
      ? '\nThe nearest package.json says that its files are CommonJS: write "type": "module" there, or name the config catena.config.mts.'
      : "";
  return `${path} cannot be imported.\n${headOf(error)}${hint}`;
};

/** What an error says for itself, a code frame included, and the first line of its stack in user code. */
const headOf = (error: unknown): string => {
  if (!(error instanceof Error)) return `  thrown: ${String(error)}`;
  const lines = (error.stack ?? String(error)).split("\n");
  const calls = lines.findIndex((line) => /^ {4}at /.test(line));
  const head = (calls < 0 ? lines : lines.slice(0, calls)).join("\n").trim();
  const said = head.includes(error.message) ? head : `${head}\n${error.name}: ${error.message}`;
  const at = firstLineInUserCode(error.stack ?? "", { isStrict: true });
  const text = at === undefined ? said : `${said}\n${at}`;
  // How a reload tells its modules apart is nothing to a reader.
  return text.replaceAll(/\?catena=\d+/g, "").replaceAll(/^/gm, "  ");
};
