/** The command `catena` itself: what can be said to every command, before it or after. */
import { Command, Flag } from "effect/cli";

export const root = Command.make("catena").pipe(
  Command.withSharedFlags({
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print JSON: results to the standard output, errors to the other"),
      Flag.withDefault(false),
    ),
    config: Flag.String("config").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("The config; default CATENA_CONFIG, else catena.config.{ts,mts,js,mjs}"),
      Flag.optional,
    ),
    store: Flag.String("store").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("The store; default CATENA_STORE, else the config's, else catena.db"),
      Flag.optional,
    ),
    assets: Flag.String("assets").pipe(
      Flag.withMetavar("FOLDER"),
      Flag.withDescription(
        "The assets; default CATENA_ASSETS, else the config's, else by the store",
      ),
      Flag.optional,
    ),
  }),
  Command.withDescription("Run pipelines of AI models as durable jobs, and look after them"),
);
