/** The process of the command `catena`: the only place of Catena that reads the environment, takes signals and exits. */
import { Console as NodeConsole } from "node:console";
import { createRequire } from "node:module";
// By file: the package as a whole would load clients of servers that nobody here speaks to.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as NodeServices from "@effect/platform-node/NodeServices";
import { Cause, Console, Effect, Exit, Layer, Logger, Schema } from "effect";
import { obey } from "./command-line.ts";
import { makeScreen, Screen } from "./screen.ts";
import { Surroundings } from "./surroundings.ts";

const Manifest = Schema.Struct({
  version: Schema.String,
  engines: Schema.Struct({ node: Schema.String }),
  peerDependencies: Schema.Record(Schema.String, Schema.String),
});
const { version, engines, peerDependencies } = Schema.decodeUnknownSync(Manifest)(
  createRequire(import.meta.url)("../../../package.json"),
);
const { stdout, stderr, env: environment } = process;
const screen = makeScreen({ stdout, stderr }, environment);

const words = process.argv.slice(2);
const isJson = words.includes("--json");

/** After a signal. */
const codes = { interrupted: 130 };

const leave = (code: number): void => {
  // What was written into a pipe is still on its way.
  stdout.write("", () => process.exit(code));
};

// Who read us may have heard enough; a job that runs here is worth finishing all the same.
for (const stream of [stdout, stderr]) stream.on("error", () => undefined);

// What steps and configs print is no result of ours.
globalThis.console = new NodeConsole(stderr, stderr);

// npm hands on the signal that the terminal has given already; whoever means it a second time waits a moment.
let firstSignalAt: number | null = null;
const impatienceMs = 1_000;
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => {
    firstSignalAt ??= Date.now();
    if (Date.now() - firstSignalAt > impatienceMs) process.exit(codes.interrupted);
  });

const around = Layer.mergeAll(
  NodeServices.layer,
  Layer.succeed(Screen, screen),
  Layer.succeed(Surroundings, {
    environment,
    folder: process.cwd(),
    catena: { version, engines: engines.node, peers: peerDependencies },
    onInterrupt: (code) => {
      codes.interrupted = code;
    },
  }),
  Layer.succeed(Console.Console, new NodeConsole(stdout, stderr)),
  Logger.layer([
    Logger.make(({ message, cause, logLevel }) => {
      const said = [message].flat().map(String).join(" ");
      const reason = cause.reasons.length === 0 ? "" : `: ${String(cause)}`;
      const level = logLevel.toLowerCase();
      screen.err(
        isJson ? JSON.stringify({ level, message: said + reason }) : `${level}: ${said}${reason}`,
      );
    }),
  ]),
);

NodeRuntime.runMain(Effect.provide(obey(words), around), {
  disableErrorReporting: true,
  teardown: (exit) => {
    if (Exit.isSuccess(exit)) leave(Number(exit.value));
    else if (Cause.hasInterruptsOnly(exit.cause)) leave(codes.interrupted);
    else {
      screen.err(`catena: ${Cause.pretty(exit.cause)}`);
      leave(1);
    }
  },
});
