/**
 * `catena dev`: emulator and service in one process; pipelines are taken anew when a file of theirs is
 * saved, jobs under way keep the definitions they began with.
 */
import { dirname, join, relative } from "node:path";
import { Effect, Scope } from "effect";
import { Command } from "effect/cli";
import { MemoryAssets } from "../../../steps/asset-stores/memory.ts";
import type { Observation } from "../../jobs/job-host.ts";
import { MemoryJournals, MemoryJournalStore } from "../../journal-stores/memory.ts";
import { engineSettings } from "../../start-engine.ts";
import { type ConfigOptions, importConfig, requireConfig } from "../config-file.ts";
import { type Definitions, makeDefinitions } from "../dev/definitions.ts";
import { trackGenerations } from "../dev/module-generations.ts";
import { watchSaved } from "../dev/saved-files.ts";
import { type Emulator, startEmulator } from "../emulator-package.ts";
import { type HttpPlace, makeHttpPlace } from "../http-server.ts";
import { asUsage } from "../ending.ts";
import { needsReplicate, requireClients, sayings, settled, withReplicate } from "../project.ts";
import { lineOf } from "../render/entry-line.ts";
import { httpLine, serviceLine, storeLine } from "../render/service-lines.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { Surroundings } from "../surroundings.ts";
import { models } from "./emulator.ts";

const develop = Effect.fnUntraced(function* (words: { readonly models: "real" | "instant" }) {
  const tell = yield* teller();
  const { onInterrupt } = yield* Surroundings;
  const said = yield* sayings();
  const configPath = yield* requireConfig(said.configPath, said.folder);
  const folder = dirname(configPath);
  const generations = yield* Effect.acquireRelease(
    Effect.sync(() => trackGenerations(folder)),
    ({ stop }) => Effect.sync(stop),
  );
  const saved = yield* watchSaved(generations.files);
  const definitions = yield* makeDefinitions({
    observe: yield* entryLines(),
    onDone: () => tell("finished", "The jobs of the definitions before are finished."),
  });
  const provide = yield* emulation({
    folder,
    models: words.models,
    isPaid: said.settings.token !== null,
  });
  const memory = { journals: new MemoryJournals(), assets: MemoryAssets.make() };
  const place = yield* makeHttpPlace(said.settings);
  const load = Effect.fnUntraced(function* (generation: number) {
    const config = yield* Effect.ensuring(importConfig(configPath, generation), saved.refresh);
    const options = yield* provide(yield* settled(config, said, configPath));
    yield* requireClients(options.pipelines, options.models);
    yield* asUsage(Effect.sync(() => engineSettings(options)));
    yield* place.check(options);
    return options.store === "memory" ? inMemory(options, memory) : options;
  });
  onInterrupt(0);
  const options = yield* load(1);
  const { service } = yield* definitions.replace(options);
  const address = yield* place.show(service, options);
  tell(
    "started",
    [
      serviceLine(options.pipelines, service.engine.recovered),
      storeLine(options),
      httpLine(address, options),
      `Submit with: catena run NAME FILE --detach. Watches the ${generations.files.size} files of ${relative(said.folder, configPath)}`,
    ].join("\n"),
  );
  return yield* reloadForEver({ saved, load, definitions, place, tell });
});

type Tell = (event: string, text: string) => void;

/** What happens, as lines for people, or with --json as one object a line. */
const teller = Effect.fnUntraced(function* () {
  const { json } = yield* root;
  const screen = yield* Screen;
  const tell: Tell = (event, text) => {
    screen.out(json ? JSON.stringify({ event, text }) : text);
  };
  return tell;
});

interface Reloading<E> {
  readonly saved: { readonly next: Effect.Effect<void> };
  readonly load: (generation: number) => Effect.Effect<ConfigOptions, E>;
  readonly definitions: Definitions;
  readonly place: HttpPlace;
  readonly tell: Tell;
}

/** What cannot be loaded is said, and what was loaded before stays. Never returns. */
const reloadForEver = Effect.fnUntraced(function* <E extends { readonly message: string }>({
  saved,
  load,
  definitions,
  place,
  tell,
}: Reloading<E>) {
  for (let generation = 2; ; generation += 1) {
    yield* saved.next;
    const reload = Effect.flatMap(load(generation), (options) =>
      Effect.flatMap(definitions.replace(options), ({ service, kept }) =>
        Effect.as(place.show(service, options), { options, kept }),
      ),
    );
    yield* Effect.match(reload, {
      onFailure: ({ message }) =>
        tell("refused", `${message}\nNot reloaded: the definitions before stay.`),
      onSuccess: ({ options: { pipelines }, kept }) => {
        const names = pipelines.map(({ plan: { name, version } }) => `${name}@${version}`);
        const rest = kept === 0 ? "" : `; ${kept} under way keep the definitions they began with`;
        tell("reloaded", `Reloaded ${names.join(", ")}${rest}`);
      },
    });
  }
});

/** Journals that outlive a generation, each of which has a connection of its own. */
const inMemory = (
  options: ConfigOptions,
  {
    journals,
    assets,
  }: { readonly journals: MemoryJournals; readonly assets: NonNullable<ConfigOptions["assets"]> },
): ConfigOptions => ({
  ...options,
  store: MemoryJournalStore.make(journals),
  assets: options.assets ?? assets,
});

interface Emulation {
  readonly folder: string;
  readonly models: "real" | "instant";
  /** The environment has a token, and so names the place. */
  readonly isPaid: boolean;
}

/** Where the models are: at the provider that the environment names, else at an emulator in this process. */
const emulation = Effect.fnUntraced(function* ({ folder, models: kind, isPaid }: Emulation) {
  const tell = yield* teller();
  const scope = yield* Effect.scope;
  let emulator: Emulator | null = null;
  if (isPaid)
    tell("models", "Models at the provider of REPLICATE_API_TOKEN: what runs is paid there");
  return Effect.fnUntraced(function* (options: ConfigOptions) {
    if (isPaid || !needsReplicate(options.models) || !asksModels(options)) return options;
    if (emulator === null) {
      const stateDirectory = join(folder, ".catena", "dev-emulator");
      const starting = startEmulator({ folder, stateDirectory, port: 0, models: kind });
      emulator = yield* Effect.provideService(starting, Scope.Scope, scope);
      const answers = kind === "real" ? "toy models" : "canned answers";
      tell("models", `Emulator of Replicate at ${emulator.url}/v1: ${answers}, emulated costs`);
    }
    const { url, token } = emulator;
    return { ...options, models: withReplicate(options.models, token, `${url}/v1`) };
  });
});

const asksModels = ({ pipelines }: ConfigOptions): boolean =>
  pipelines.some(({ plan }) => plan.nodes.some(({ step }) => step.program.kind === "model"));

/** What happens to any job, without what is only of interest where something is wrong. */
const entryLines = Effect.fnUntraced(function* () {
  const { json } = yield* root;
  const screen = yield* Screen;
  return ({ jobId, entries }: Observation): void => {
    if (json) return;
    for (const entry of entries) {
      const { path, text, style } = lineOf(entry);
      if (style === "dim") continue;
      const line = `  ${jobId.slice(-6)}  ${path.padEnd(10)} ${text}`.trimEnd();
      screen.out(style === null ? line : screen.paint(style, line));
    }
  };
});

export const dev = Command.make("dev", { models }, (input) => Effect.scoped(develop(input))).pipe(
  Command.withDescription("Run emulator and service together, and reload pipelines on save"),
);
