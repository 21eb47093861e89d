/** What a command finds around it: environment, working folder, and what a signal makes of its exit code. */
import { Context } from "effect";

export type Environment = Readonly<Record<string, string | undefined>>;

export class Surroundings extends Context.Service<
  Surroundings,
  {
    readonly environment: Environment;
    readonly folder: string;
    /** This package: its version, the Node it needs, and the ranges of its peers. */
    readonly catena: {
      readonly version: string;
      readonly engines: string;
      readonly peers: Readonly<Record<string, string>>;
    };
    /** The exit code after SIGINT or SIGTERM from here on; 130 until it is said. */
    readonly onInterrupt: (exitCode: number) => void;
  }
>()("catena-ai/runtime/cli/Surroundings") {}
