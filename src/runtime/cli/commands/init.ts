/** `catena init`: a project that works, in a folder where nothing of it is yet. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Effect, Option } from "effect";
import { Argument, Command } from "effect/cli";
import { Trouble, UsageError } from "../ending.ts";
import { projectFiles } from "../init/project-files.ts";
import { shellWords } from "../render/amounts.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { Surroundings } from "../surroundings.ts";

const words = {
  folder: Argument.String("folder").pipe(
    Argument.withDescription("Made where it is missing; default: this one"),
    Argument.optional,
  ),
};

type Words = Command.Command.Config.Infer<typeof words>;

const initialise = Effect.fnUntraced(function* ({ folder: asked }: Words) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { folder: here, catena } = yield* Surroundings;
  const folder = resolve(
    here,
    Option.getOrElse(asked, () => "."),
  );
  const files = Object.entries(projectFiles({ name: packageName(folder), ...catena }));
  const taken = files.map(([path]) => path).filter((path) => existsSync(join(folder, path)));
  if (taken.length > 0) {
    const message = `${folder} has ${taken.join(", ")} already: nothing was written. catena init FOLDER begins in another one.`;
    return yield* new UsageError({ message });
  }
  yield* Effect.forEach(files, ([path, content]) => write(join(folder, path), content));
  const paths = files.map(([path]) => path);
  if (json) return screen.out(JSON.stringify({ folder, files: paths }, null, 2));
  screen.out(`${folder}: ${paths.join(", ")}`);
  screen.out("Next:");
  const steps = [
    ...(folder === here ? [] : [`cd ${shellWords([folder])}`]),
    "npm install",
    "npm test                                  # every path of the pipeline",
    "npx catena dev                            # service and emulator, reloads on save",
    "npx catena run headline brief.json --detach   # in another terminal",
  ];
  for (const step of steps) screen.out(`  ${step}`);
});

const write = (path: string, content: string): Effect.Effect<void, Trouble> =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(dirname(path), { recursive: true });
      // Not over a file that came meanwhile.
      await writeFile(path, content, { flag: "wx" });
    },
    catch: (error) =>
      new Trouble({
        message: `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      }),
  });

/** The folder's name with what a package's name may have. */
const packageName = (folder: string): string =>
  basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^[-\d]+|-+$/g, "") || "pipelines";

export const init = Command.make("init", words, initialise).pipe(
  Command.withDescription("Begin a project: a config, one pipeline, one test, package.json"),
);
