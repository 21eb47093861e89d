/** Where the models of the demo are: the local emulator, or with a token the real thing or a server like it. */
import { resolve } from "node:path";
import { connectEmulator } from "../../../emulator/src/connect.ts";
import { type ModelClient, Replicate } from "../../../src/index.ts";
import { type DemoArguments, UsageError } from "./arguments.ts";
import { ledgerAt, type LedgerLine } from "./emulator-ledger.ts";

export interface DemoProvider {
  readonly client: ModelClient;
  /** For people: what answers here, and whether it is real. */
  readonly description: string;
  readonly url: string;
  /** Behind every amount. */
  readonly costNote: string;
  readonly storePath: string;
  /** How long a prediction may take to show in the provider's list. */
  readonly orphanGrace: "12 seconds" | "60 seconds";
  readonly pollEvery: "100 millis" | "1 second";
  /** What the provider has in its own books; null where it does not show them. */
  readonly ledger: (() => Promise<ReadonlyArray<LedgerLine>>) | null;
}

/** Where the journals of this provider's jobs are: predictions of one provider mean nothing to another. */
export const storePathOf = (folder: string, environment: NodeJS.ProcessEnv): string => {
  const remote = remoteIn(environment);
  const name = remote === null ? "demo" : `demo-${new URL(remote.url).host.replaceAll(":", "-")}`;
  return resolve(folder, `${name}.db`);
};

/** Fails with UsageError, or with the end of the emulator's log. */
export const connectProvider = async (
  { folder, emulatorModels }: DemoArguments,
  environment: NodeJS.ProcessEnv,
  fetch: typeof globalThis.fetch,
): Promise<DemoProvider> => {
  const storePath = storePathOf(folder, environment);
  const remote = remoteIn(environment);
  if (remote !== null) return remoteProvider(remote, storePath, fetch);
  const stateDirectory = resolve(folder, "emulator");
  const { url, pid, started } = await connectEmulator({ stateDirectory, models: emulatorModels });
  return {
    client: Replicate.client({
      // The emulator takes any token.
      token: "emulated",
      baseUrl: `${url}/v1`,
      allowOwnOriginDownloads: true,
      allowInsecureDownloads: true,
      fetch,
    }),
    description: [
      `Provider: an emulator of Replicate on this machine, ${url} (pid ${pid}, ${started ? "just started" : "already running"}; it leaves after ten idle minutes).`,
      "Its models are toys that answer to the real models' names. All answers and costs here are emulated.",
    ].join("\n"),
    url,
    costNote: "emulated",
    storePath,
    // The emulator lists after two seconds; absence needs two lists ten seconds apart.
    orphanGrace: "12 seconds",
    pollEvery: "100 millis",
    ledger: () => ledgerAt(url),
  };
};

interface Remote {
  readonly token: string;
  readonly url: string;
  /** A server that speaks Replicate's API, and not Replicate. */
  readonly isOwnServer: boolean;
}

/** Null where the environment names no provider. Throws UsageError. */
const remoteIn = (environment: NodeJS.ProcessEnv): Remote | null => {
  const token = environment["REPLICATE_API_TOKEN"]?.trim() ?? "";
  const baseUrl = environment["REPLICATE_BASE_URL"]?.trim() ?? "";
  if (token === "" && baseUrl === "") return null;
  if (token === "")
    throw new UsageError("REPLICATE_BASE_URL is set, REPLICATE_API_TOKEN is not: set both or none");
  const isOwnServer = baseUrl !== "";
  const url = isOwnServer ? baseUrl : "https://api.replicate.com/v1";
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError("REPLICATE_BASE_URL must be an http or https URL such as https://host/v1");
  return { token, url, isOwnServer };
};

const remoteProvider = (
  { token, url, isOwnServer }: Remote,
  storePath: string,
  fetch: typeof globalThis.fetch,
): DemoProvider => ({
  client: Replicate.client({ token, baseUrl: url, allowOwnOriginDownloads: isOwnServer, fetch }),
  description: `Provider: ${new URL(url).host}, with the token of REPLICATE_API_TOKEN. What runs there is paid there.`,
  url,
  costNote: "by list prices",
  storePath,
  orphanGrace: "60 seconds",
  pollEvery: "1 second",
  ledger: null,
});
