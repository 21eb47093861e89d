/** The environment of the command line, read once: every variable that Catena knows, checked, none guessed. */
import { Effect, Redacted } from "effect";
import { UsageError } from "./ending.ts";
import type { Environment } from "./surroundings.ts";

export interface Settings {
  /** `REPLICATE_API_TOKEN`. */
  readonly token: Redacted.Redacted | null;
  /** `REPLICATE_BASE_URL`: a server that speaks Replicate's API. */
  readonly baseUrl: string | null;
  /** `CATENA_STORE`: a file, or `memory`. */
  readonly store: string | null;
  /** `CATENA_ASSETS`: a folder. */
  readonly assets: string | null;
  /** `CATENA_CONFIG`: a file. */
  readonly config: string | null;
  /** Where the HTTP API listens: `CATENA_HOST`, default 127.0.0.1. */
  readonly host: string;
  /** `CATENA_PORT`, default 4680; 0 takes any that is free. */
  readonly port: number;
  /** `CATENA_PUBLIC_URL`: how others reach the HTTP API. */
  readonly publicUrl: string | null;
  /** `CATENA_API_KEYS`: who sends one of these may use the HTTP API. */
  readonly apiKeys: ReadonlyArray<Redacted.Redacted>;
  /** `REPLICATE_WEBHOOK_SECRET`: what webhooks are signed with. */
  readonly webhookSecret: Redacted.Redacted | null;
}

/** Everything that is wrong with it in one error, by name; the values of secrets are never in it. */
export const readSettings = (environment: Environment): Effect.Effect<Settings, UsageError> => {
  const wrong: Array<string> = [];
  const read = <A>(name: string, otherwise: A, parse: (text: string) => A | Expected): A => {
    const text = environment[name]?.trim() ?? "";
    if (text === "") return otherwise;
    const value = parse(text);
    if (!(value instanceof Expected)) return value;
    wrong.push(`${name}: expected ${value.what}`);
    return otherwise;
  };
  const settings: Settings = {
    token: read("REPLICATE_API_TOKEN", null, tokenIn),
    baseUrl: read("REPLICATE_BASE_URL", null, urlIn),
    store: read("CATENA_STORE", null, storeIn),
    assets: read("CATENA_ASSETS", null, (text) => text),
    config: read("CATENA_CONFIG", null, (text) => text),
    host: read("CATENA_HOST", "127.0.0.1", hostIn),
    port: read("CATENA_PORT", 4680, portIn),
    publicUrl: read("CATENA_PUBLIC_URL", null, urlIn),
    apiKeys: read("CATENA_API_KEYS", [], keysIn),
    webhookSecret: read("REPLICATE_WEBHOOK_SECRET", null, webhookSecretIn),
  };
  if (wrong.length > 0)
    return Effect.fail(
      new UsageError({ message: `The environment cannot be used. ${wrong.join("; ")}.` }),
    );
  return Effect.succeed(settings);
};

class Expected {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

type Parsed<A> = A | Expected;

const tokenIn = (text: string): Parsed<Redacted.Redacted> =>
  /\s/.test(text) ? new Expected("a token without blanks in it") : Redacted.make(text);

const urlIn = (text: string): Parsed<string> => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    return new Expected("an http or https URL such as https://host/v1");
  if (url.username !== "" || url.password !== "")
    return new Expected("a URL without a user and a password in it");
  if (url.search !== "" || url.hash !== "") return new Expected("a URL that ends with its path");
  return text.replace(/\/+$/, "");
};

const storeIn = (text: string): Parsed<string> => {
  if (text === ":memory:") return "memory";
  if (/^postgres(ql)?:/.test(text))
    return new Expected("a file or :memory:, as this version has no Postgres store");
  if (/^[a-z]+:\/\//.test(text)) return new Expected("a file or :memory:");
  return text;
};

const hostIn = (text: string): Parsed<string> =>
  /^[\w.:-]+$/.test(text) && !text.includes("//")
    ? text
    : new Expected("a host name or an address such as 127.0.0.1, without scheme and port");

const portIn = (text: string): Parsed<number> => {
  const port = Number(text);
  return /^\d+$/.test(text) && port <= 65_535
    ? port
    : new Expected("a whole number from 0 to 65535");
};

/** A key that can be tried out is none: as the HTTP API has it. */
const minKeyLength = 32;

const keysIn = (text: string): Parsed<ReadonlyArray<Redacted.Redacted>> => {
  const keys = text.split(",").map((key) => key.trim());
  return keys.every((key) => key.length >= minKeyLength && !/\s/.test(key))
    ? keys.map((key) => Redacted.make(key))
    : new Expected(`keys of at least ${minKeyLength} characters without blanks, divided by commas`);
};

const webhookSecretIn = (text: string): Parsed<Redacted.Redacted> =>
  /^whsec_[A-Za-z0-9+/]+=*$/.test(text)
    ? Redacted.make(text)
    : new Expected("whsec_ and base64, as the provider shows it");
