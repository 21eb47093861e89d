/** What the command line says, checked word for word: a mistyped flag starts nothing. */
import { parseArgs } from "node:util";
import type { EmulatorOptions } from "../emulator.ts";
import { decodeSetting, SETTING_NAMES } from "./decode-setting.ts";

export interface Arguments {
  readonly isHelp: boolean;
  readonly isJson: boolean;
  /** Leave when standard input ends: with whoever started it. */
  readonly isTiedToInput: boolean;
  readonly stateDirectory: string | undefined;
  /** Undefined for the one it had before, or any. */
  readonly port: number | undefined;
  /** Undefined to stay. */
  readonly idleMinutes: number | undefined;
  readonly settings: Partial<EmulatorOptions>;
}

/** A mistake of the caller: the sentence is all there is to say. */
export class UsageError extends Error {}

export const USAGE = `usage: catena-emulator [flags]

  --models real|instant   toy models (the default), or canned answers at once
  --port N                a port that must be free; 0, the default, for any
  --state DIR             keep predictions, files and ledger there; default in memory
  --token TOKEN           the only token that is accepted; default any
  --idle-minutes N        leave when nobody asked for so long; default stay
  --until-stdin-closes    leave when standard input ends: with the process that started it
  --json                  print one line of JSON with the address, everything else to standard error
  --set NAME=VALUE        a setting, may be repeated: ${SETTING_NAMES.join(", ")}
  --help

It listens on 127.0.0.1 only. The API is under /v1, the control API under /emulator.
`;

const FLAGS = {
  models: { type: "string" },
  port: { type: "string" },
  state: { type: "string" },
  token: { type: "string" },
  "idle-minutes": { type: "string" },
  "until-stdin-closes": { type: "boolean" },
  json: { type: "boolean" },
  set: { type: "string", multiple: true },
  help: { type: "boolean", short: "h" },
} as const;

/** Throws UsageError. */
export function readArguments(argv: readonly string[]): Arguments {
  const values = parse(argv);
  const given = values.models ?? "real";
  const models = (["real", "instant"] as const).find((name) => name === given);
  if (models === undefined) throw new UsageError(`--models is real or instant, given: ${given}`);
  if (values.state === "") throw new UsageError("--state is a directory, given: nothing");
  if (values.token === "") throw new UsageError("--token is a text, given: nothing");
  return {
    isHelp: values.help ?? false,
    isJson: values.json ?? false,
    isTiedToInput: values["until-stdin-closes"] ?? false,
    stateDirectory: values.state,
    port: values.port === undefined ? undefined : portOf(values.port),
    idleMinutes:
      values["idle-minutes"] === undefined ? undefined : minutesOf(values["idle-minutes"]),
    settings: {
      ...(values.set ?? []).map(settingOf).reduce((all, one) => ({ ...all, ...one }), {}),
      models,
      ...(values.token !== undefined && { token: values.token }),
    },
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, strict: true }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function portOf(text: string): number {
  const port = /^\d+$/u.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new UsageError(`--port is 0 to 65535, given: ${text}`);
  return port;
}

function minutesOf(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new UsageError(`--idle-minutes is a positive number, given: ${text}`);
  return minutes;
}

function settingOf(assignment: string): Partial<EmulatorOptions> {
  const [, name = assignment, value] = /^([^=]+)=(.*)$/su.exec(assignment) ?? [];
  const decoded = decodeSetting(name, value);
  if ("problem" in decoded) throw new UsageError(`--set ${assignment}: ${decoded.problem}`);
  return decoded.setting;
}
