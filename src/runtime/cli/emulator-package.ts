/** The emulator of Replicate, a package of its own: found in the user's project, started in this process. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Effect } from "effect";
import type { Scope } from "effect";
import { Trouble, UsageError } from "./ending.ts";

export interface EmulatorOptions {
  /** Where the package is looked for first. */
  readonly folder: string;
  /** Where its predictions and files are kept. */
  readonly stateDirectory: string;
  /** Tried first; where it is taken, and for 0, any that is free. */
  readonly port: number;
  /** `real` runs its toy models, `instant` gives canned answers. */
  readonly models: "real" | "instant";
}

/** What this needs of it. */
export interface Emulator {
  /** Scheme, host and port; the API is under `/v1`. */
  readonly url: string;
  readonly token: string;
  readonly stop: () => Promise<void>;
}

type Start = (options: Omit<EmulatorOptions, "folder">) => Promise<Emulator>;

const packageName = "catena-emulator";

/** Runs for as long as the scope lives. Fails with: UsageError where it is not installed, Trouble. */
export const startEmulator = ({
  folder,
  ...options
}: EmulatorOptions): Effect.Effect<Emulator, UsageError | Trouble, Scope.Scope> =>
  Effect.flatMap(importStart(folder), (start) =>
    Effect.acquireRelease(
      Effect.tryPromise({ try: () => start(options), catch: cannot("start") }),
      (emulator) => Effect.ignore(Effect.tryPromise({ try: emulator.stop, catch: cannot("stop") })),
    ),
  );

const cannot =
  (what: string) =>
  (error: unknown): Trouble =>
    new Trouble({
      message: `The emulator cannot ${what}: ${error instanceof Error ? error.message : String(error)}`,
    });

const importStart = Effect.fnUntraced(function* (
  folder: string,
): Effect.fn.Return<Start, UsageError | Trouble> {
  const path = [join(folder, "package.json"), import.meta.filename].map(resolvedFrom).find(isFound);
  if (path === undefined)
    return yield* new UsageError({
      message: `The emulator is not installed: it is the package ${packageName}, to be added to the devDependencies of ${folder}.`,
    });
  const imported: unknown = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(path).href),
    catch: cannot("be loaded"),
  });
  if (isEmulator(imported)) return imported.startEmulator;
  return yield* new Trouble({ message: `${path} is not the emulator: it has no startEmulator.` });
});

const isFound = (path: string | undefined): path is string => path !== undefined;

const resolvedFrom = (file: string): string | undefined => {
  try {
    return createRequire(file).resolve(packageName);
  } catch {
    // Not there, or not for us: the next place may have it.
    return undefined;
  }
};

const isEmulator = (module: unknown): module is { readonly startEmulator: Start } =>
  typeof module === "object" &&
  module !== null &&
  "startEmulator" in module &&
  typeof module.startEmulator === "function";
