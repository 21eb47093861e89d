/** Settings as texts: each by its name in Settings, with what it may be. */
import { ANNOUNCED_IN } from "../faults/fault.ts";
import { DOCUMENTED_RATE_LIMITS } from "../http/rate-limiter.ts";
import { modelNamed } from "../models/catalog.ts";
import type { Settings } from "../settings.ts";
import { isWebhookSecret } from "../webhooks/signature.ts";

type Decoded = { readonly setting: Partial<Settings> } | { readonly problem: string };
type Decode = (text: string) => Decoded;

const problem = (expected: string): Decoded => ({ problem: `expected ${expected}` });

const amount =
  (toSetting: (value: number) => Partial<Settings>): Decode =>
  (text) => {
    const value = text.trim() === "" ? Number.NaN : Number(text);
    return Number.isFinite(value) && value >= 0
      ? { setting: toSetting(value) }
      : problem("a number, 0 or more");
  };

const flag =
  (toSetting: (value: boolean) => Partial<Settings>): Decode =>
  (text) =>
    text === "true" || text === "false"
      ? { setting: toSetting(text === "true") }
      : problem("true or false");

const DECODERS: Readonly<Record<string, Decode>> = {
  bootMs: amount((bootMs) => ({ bootMs })),
  listLagMs: amount((listLagMs) => ({ listLagMs })),
  pageSize: (text) =>
    /^[1-9]\d*$/u.test(text)
      ? { setting: { pageSize: Number(text) } }
      : problem("a whole number, 1 or more"),
  retentionMs: amount((retentionMs) => ({ retentionMs })),
  uploadRetentionMs: amount((uploadRetentionMs) => ({ uploadRetentionMs })),
  maximumRunMs: amount((maximumRunMs) => ({ maximumRunMs })),
  streamTimeoutMs: amount((streamTimeoutMs) => ({ streamTimeoutMs })),
  creditUsd: amount((creditUsd) => ({ creditUsd })),
  isWebhookHiddenInLists: flag((isWebhookHiddenInLists) => ({ isWebhookHiddenInLists })),
  isVersionHidden: flag((isVersionHidden) => ({ isVersionHidden })),
  rateLimits: decodeRateLimits,
  throttlingAnnouncedIn: (text) => {
    const announcedIn = ANNOUNCED_IN.find((place) => place === text);
    return announcedIn === undefined
      ? problem(`one of ${ANNOUNCED_IN.join(", ")}`)
      : { setting: { throttlingAnnouncedIn: announcedIn } };
  },
  webhookRetryDelaysMs: (text) => {
    const delays = text === "" ? [] : text.split(",").map(Number);
    return delays.every((delay) => delay >= 0)
      ? { setting: { webhookRetryDelaysMs: delays } }
      : problem("numbers of milliseconds with commas between them");
  },
  webhookSecret: (text) =>
    isWebhookSecret(text)
      ? { setting: { webhookSecret: text } }
      : { problem: "expected whsec_ and at least 16 characters of base64" },
  deployments: decodeDeployments,
};

export const SETTING_NAMES = Object.keys(DECODERS);

/** The setting, or what was expected. */
export function decodeSetting(name: string, text: string | undefined): Decoded {
  const decode = Object.hasOwn(DECODERS, name) ? DECODERS[name] : undefined;
  if (decode === undefined) return problem(`one of ${SETTING_NAMES.join(", ")}`);
  return text === undefined ? problem(`${name}=VALUE`) : decode(text);
}

/** `documented`, `none`, or `creates/others` a minute, such as `60/300`. */
function decodeRateLimits(text: string): Decoded {
  if (text === "documented") return { setting: { rateLimits: DOCUMENTED_RATE_LIMITS } };
  if (text === "none") return { setting: { rateLimits: undefined } };
  const [, creates, others] = /^([1-9]\d*)\/([1-9]\d*)$/u.exec(text) ?? [];
  return creates === undefined || others === undefined
    ? problem("documented, none, or creates/others a minute such as 60/300")
    : {
        setting: {
          rateLimits: { createsPerMinute: Number(creates), othersPerMinute: Number(others) },
        },
      };
}

/** `owner/name:model-owner/model-name`, more with commas. */
function decodeDeployments(text: string): Decoded {
  const parts = text.split(",").map((one) => /^([^/:]+)\/([^/:]+):([^/:]+\/[^/:]+)$/u.exec(one));
  const deployments = parts.flatMap((part) => {
    const [, owner, name, model] = part ?? [];
    return owner === undefined || name === undefined || model === undefined
      ? []
      : [{ owner, name, model }];
  });
  const stranger = deployments.find(({ model }) => modelNamed(model) === undefined);
  if (stranger !== undefined) return { problem: `there is no model ${stranger.model} here` };
  return deployments.length === parts.length
    ? { setting: { deployments } }
    : problem("owner/name:model-owner/model-name, more with commas between them");
}
