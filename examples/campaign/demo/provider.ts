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

/** Fails with UsageError, or with the end of the emulator's log. */
export const connectProvider = async (
  { folder, emulatorModels }: DemoArguments,
  environment: NodeJS.ProcessEnv,
  fetch: typeof globalThis.fetch,
): Promise<DemoProvider> => {
  const token = environment["REPLICATE_API_TOKEN"]?.trim() ?? "";
  const baseUrl = environment["REPLICATE_BASE_URL"]?.trim() ?? "";
  if (token !== "") return remoteProvider({ folder, token, baseUrl, fetch });
  if (baseUrl !== "")
    throw new UsageError("REPLICATE_BASE_URL is set, REPLICATE_API_TOKEN is not: set both or none");
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
    storePath: resolve(folder, "demo.db"),
    // The emulator lists after two seconds; absence needs two lists ten seconds apart.
    orphanGrace: "12 seconds",
    pollEvery: "100 millis",
    ledger: () => ledgerAt(url),
  };
};

interface Remote {
  readonly folder: string;
  readonly token: string;
  readonly baseUrl: string;
  readonly fetch: typeof globalThis.fetch;
}

const remoteProvider = ({ folder, token, baseUrl, fetch }: Remote): DemoProvider => {
  const isOwnServer = baseUrl !== "";
  const url = isOwnServer ? baseUrl : "https://api.replicate.com/v1";
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError("REPLICATE_BASE_URL must be an http or https URL such as https://host/v1");
  return {
    client: Replicate.client({ token, baseUrl: url, allowOwnOriginDownloads: isOwnServer, fetch }),
    description: `Provider: ${new URL(url).host}, with the token of REPLICATE_API_TOKEN. What runs there is paid there.`,
    url,
    costNote: "by list prices",
    // Predictions of one provider mean nothing to another: each has its own journal.
    storePath: resolve(folder, `demo-${new URL(url).host.replaceAll(":", "-")}.db`),
    orphanGrace: "60 seconds",
    pollEvery: "1 second",
    ledger: null,
  };
};
