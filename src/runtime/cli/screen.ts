/**
 * Where a command writes: results to the standard output, everything else to the standard error. What the
 * environment holds as a secret is left out of both, wherever it came from.
 */
import { styleText } from "node:util";
import type { WriteStream } from "node:tty";
import { Context } from "effect";
import type { Environment } from "./surroundings.ts";

export type Style = "red" | "yellow" | "green" | "dim" | "bold";

export class Screen extends Context.Service<
  Screen,
  {
    /** Columns of the terminal that shows results; without end where there is none: who reads a pipe wants all. */
    readonly width: number;
    /** The same of progress, notes and errors. */
    readonly noteWidth: number;
    /** A result, one or more lines. */
    readonly out: (text: string) => void;
    /** Progress, notes and errors. */
    readonly err: (text: string) => void;
    /** The text in that style, where the stream is a terminal that shows it. */
    readonly paint: (style: Style, text: string, stream?: "out" | "err") => string;
  }
>()("catena-ai/runtime/cli/Screen") {}

export interface Streams {
  readonly stdout: MaybeTerminal;
  readonly stderr: MaybeTerminal;
}

type MaybeTerminal = NodeJS.WriteStream & Partial<Pick<WriteStream, "columns">>;

/** Narrower, and no line could hold a job's id. */
const minWidth = 40;

export const makeScreen = (
  { stdout, stderr }: Streams,
  environment: Environment,
): Screen["Service"] => {
  const redact = redactor(environment);
  return {
    width: widthOf(stdout.columns, environment["COLUMNS"]),
    noteWidth: widthOf(stderr.columns, environment["COLUMNS"]),
    out: (text) => {
      stdout.write(`${redact(text)}\n`);
    },
    err: (text) => {
      stderr.write(`${redact(text)}\n`);
    },
    paint: (style, text, stream = "out") =>
      styleText(style, text, { stream: stream === "out" ? stdout : stderr }),
  };
};

const widthOf = (columns: number | undefined, said: string | undefined): number => {
  const width = columns ?? Number(said);
  return Number.isSafeInteger(width) && width > 0
    ? Math.max(width, minWidth)
    : Number.POSITIVE_INFINITY;
};

const secretName =
  /(TOKEN|SECRET|PASSWORD|PASSWD|_PASS|CREDENTIALS?|WEBHOOK_URL|API_KEYS?|ACCESS_KEY|PRIVATE_KEY)$/i;
/** Anything shorter is found by chance in what has nothing to do with it. */
const minSecretLength = 6;

/** Takes the values of the environment that are secrets by their names out of a text. */
const redactor = (environment: Environment): ((text: string) => string) => {
  const secrets = Object.entries(environment)
    .filter(([name]) => secretName.test(name))
    .flatMap(([, value = ""]) => [value, ...value.split(",")].map((part) => part.trim()))
    .filter((secret) => secret.length >= minSecretLength)
    .sort((left, right) => right.length - left.length);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, "[secret]"), text);
};
