/** The last words of a run: the asset and where it lies, or why there is none and what helps. */
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Failure, Outcome, StateRecord } from "../../../src/index.ts";
import type { CampaignAsset } from "../campaign.ts";
import type { DemoArguments } from "./arguments.ts";
import type { DemoProvider } from "./provider.ts";
import { dollars } from "./money.ts";

type Failed = Extract<Outcome<unknown>, { readonly status: "failed" }>;

export interface Ending {
  readonly record: StateRecord;
  readonly provider: DemoProvider;
  readonly options: DemoArguments;
}

export const assetLines = (
  asset: typeof CampaignAsset.Type,
  { record, provider, options }: Ending,
): ReadonlyArray<string> => [
  "",
  "The campaign asset:",
  ...Object.entries(asset).map(([field, value]) => `  ${field.padEnd(10)} ${value}`),
  `  ${"cost".padEnd(10)} ${dollars(record.costMicros)} (${provider.costNote})`,
  "",
  `Picture   ${shown(fileURLToPath(asset.image_url))}`,
  `Database  ${shown(provider.storePath)}`,
  ...nextCommands(options),
];

/** Three that work as they stand. */
const nextCommands = ({ folder }: DemoArguments): ReadonlyArray<string> => {
  const dir = folder === ".catena" ? "" : ` --dir "${folder}"`;
  return [
    "",
    "Try next:",
    `  npm run demo --${dir} --product_name "Velora" --audience "night nurses" --value_prop "soup that stays hot"`,
    `  npm run demo --${dir} --kill-after image:sent     # then: npm run demo${dir === "" ? "" : ` --${dir}`}`,
    `  npm run demo --${dir} --journal`,
  ];
};

export const failureLines = (
  { step, failure, message }: Failed,
  { record, provider, options }: Ending,
): ReadonlyArray<string> => [
  "",
  `No asset: the job rests at ${step}. ${message}`,
  `  what happened  ${failure.message}`,
  `  what helps     ${advice(failure, provider)}`,
  `  paid so far    ${dollars(record.costMicros)} (${provider.costNote}); nothing of it is paid again by`,
  `                 npm run demo --${options.folder === ".catena" ? "" : ` --dir "${options.folder}"`} --retry ${record.jobId}`,
  `Database  ${shown(provider.storePath)}`,
];

const advice = (
  failure: Failure | { readonly _tag: "Defect" },
  { url, ledger }: DemoProvider,
): string => {
  if (failure._tag === "PolicyFailure") return "another brief: moderation refused this picture";
  if (failure._tag === "Defect")
    return "a look at the journal: this is a bug of the chain or of Catena, or the process died here again and again";
  if (failure._tag !== "ProviderFailure")
    return "try again; the models' answers differ from run to run";
  if (failure.reason === "Unauthorized")
    return `${url} refuses the token: set REPLICATE_API_TOKEN to a valid one`;
  if (failure.reason === "QuotaExhausted") return `credit at ${url}`;
  if (failure.reason !== "Unavailable") return "try again";
  return ledger === null
    ? `see that ${url} can be reached from here (REPLICATE_BASE_URL, network, proxy)`
    : "start again: the emulator is started anew where it went";
};

const shown = (path: string): string => {
  const near = relative(process.cwd(), path);
  return near.startsWith("..") ? path : near;
};
