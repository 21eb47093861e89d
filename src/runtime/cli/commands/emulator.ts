/** `catena emulator`: a local server that speaks Replicate's API, with toy models, until it is told to leave. */
import { join, resolve } from "node:path";
import { Effect, Option, Schema } from "effect";
import { Command, Flag } from "effect/cli";
import { startEmulator } from "../emulator-package.ts";
import { root } from "../root.ts";
import { Screen } from "../screen.ts";
import { Surroundings } from "../surroundings.ts";

export const models = Flag.Literals("models", ["real", "instant"] as const).pipe(
  Flag.withDescription("real: toy models at work (default); instant: canned answers"),
  Flag.withDefault("real"),
);

const Port = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }));

const words = {
  port: Flag.Int("port").pipe(
    Flag.withDescription("Tried first, then any that is free; default 4690"),
    Flag.withSchema(Port),
    Flag.withDefault(4690),
  ),
  models,
  state: Flag.String("state").pipe(
    Flag.withMetavar("FOLDER"),
    Flag.withDescription("Where predictions and files are kept; default .catena/emulator"),
    Flag.optional,
  ),
};

type Words = Command.Command.Config.Infer<typeof words>;

const serveEmulator = Effect.fnUntraced(function* ({ port, models: kind, state }: Words) {
  const { json } = yield* root;
  const screen = yield* Screen;
  const { folder, onInterrupt } = yield* Surroundings;
  const stateDirectory = Option.match(state, {
    onNone: () => join(folder, ".catena", "emulator"),
    onSome: (path) => resolve(folder, path),
  });
  onInterrupt(0);
  const { url, token } = yield* startEmulator({ folder, stateDirectory, port, models: kind });
  if (json) screen.out(JSON.stringify({ event: "started", baseUrl: `${url}/v1`, token }));
  else {
    screen.out(`Emulator of Replicate at ${url}/v1; its models are toys, its costs are emulated.`);
    screen.out("In the shell that is to use it:");
    screen.out(`  export REPLICATE_BASE_URL=${url}/v1 REPLICATE_API_TOKEN=${token}`);
  }
  return yield* Effect.never;
});

export const emulator = Command.make("emulator", words, (input) =>
  Effect.scoped(serveEmulator(input)),
).pipe(Command.withDescription("Run a local server that speaks Replicate's API, with toy models"));
