/**
 * Bearer keys: who holds one is a caller with its scopes and, where the key names one, a tenant. Only the
 * SHA-256 of a key is ever kept, which is safe because keys are made from 256 random bits and not chosen.
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { Redacted } from "effect";
import { sha256Hex } from "../../steps/canonical-json.ts";
import { refuseStrangers, StartError } from "../options.ts";
import type { ApiKey, Caller, Scope } from "./http-options.ts";

/** A fresh key for a caller, and the hash for the configuration. The key is shown this once. */
export const newApiKey = (): { readonly secret: string; readonly sha256: string } => {
  const secret = `ck_${randomBytes(32).toString("base64url")}`;
  return { secret, sha256: sha256Hex(secret) };
};

export const allScopes: ReadonlyArray<Scope> = ["submit", "read", "operate"];

export interface CheckedKey {
  readonly digest: Buffer;
  readonly caller: Caller;
}

const tenantPattern = /^[A-Za-z0-9._-]{1,100}$/;

export const isTenant = (value: unknown): value is string =>
  typeof value === "string" && tenantPattern.test(value);

export const isScope = (value: unknown): value is Scope =>
  value === "submit" || value === "read" || value === "operate";

/** Throws StartError where a key is not what it has to be; the error never holds a secret. */
export const checkKeys = (keys: unknown): ReadonlyArray<CheckedKey> => {
  if (!Array.isArray(keys) || keys.length === 0)
    throw new StartError("http.keys", "a list of at least one key", typeof keys);
  const checked = keys.map((key: unknown, index) => checkKey(`http.keys[${index}]`, key));
  const twin = checked.find((one, index) =>
    checked.some((other, place) => place < index && other.caller.id === one.caller.id),
  );
  if (twin !== undefined)
    throw new StartError("http.keys", "keys with different ids", `${twin.caller.id} twice`);
  refuseSharedSecrets(checked);
  return checked;
};

/** Who holds it would be one of two callers, and see what the other may see. */
const refuseSharedSecrets = (keys: ReadonlyArray<CheckedKey>): void => {
  const holders = new Map<string, string>();
  for (const { digest, caller } of keys) {
    const hash = digest.toString("hex");
    const other = holders.get(hash);
    if (other !== undefined)
      throw new StartError(
        "http.keys",
        "keys with different secrets",
        `one of ${other} and ${caller.id}`,
      );
    holders.set(hash, caller.id);
  }
};

const names = Object.keys({
  id: true,
  sha256: true,
  secret: true,
  scopes: true,
  tenant: true,
} satisfies Record<keyof ApiKey, true>);

const checkKey = (field: string, key: unknown): CheckedKey => {
  if (typeof key !== "object" || key === null) throw new StartError(field, "a key", typeof key);
  refuseStrangers(field, key, names);
  const { id, scopes, tenant }: { id?: unknown; scopes?: unknown; tenant?: unknown } = key;
  if (typeof id !== "string" || id === "")
    throw new StartError(`${field}.id`, "a name that is not empty", id);
  if (!Array.isArray(scopes) || scopes.length === 0 || !scopes.every(isScope)) {
    const stranger: unknown = Array.isArray(scopes) ? scopes.find((one) => !isScope(one)) : null;
    throw new StartError(`${field}.scopes`, `some of ${allScopes.join(", ")}`, stranger ?? scopes);
  }
  if (tenant !== undefined && !isTenant(tenant))
    throw new StartError(`${field}.tenant`, `a name that matches ${tenantPattern}`, tenant);
  return { digest: digestOf(field, key), caller: { id, scopes, tenant: tenant ?? null } };
};

const digestOf = (field: string, key: { sha256?: unknown; secret?: unknown }): Buffer => {
  const { sha256, secret } = key;
  if (sha256 !== undefined && secret === undefined) {
    if (typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256))
      return Buffer.from(sha256, "hex");
    throw new StartError(`${field}.sha256`, "64 hex digits", typeof sha256);
  }
  const text: unknown = Redacted.isRedacted(secret) ? Redacted.value(secret) : secret;
  if (sha256 === undefined && typeof text === "string" && text.length >= 32)
    return Buffer.from(sha256Hex(text), "hex");
  throw new StartError(
    field,
    "a key with sha256, or with a secret of 32 characters or more",
    "neither",
  );
};

/** The holder of the key; every key is compared, each in constant time. */
export const callerOf = (keys: ReadonlyArray<CheckedKey>, secret: string): Caller | null => {
  const digest = Buffer.from(sha256Hex(secret), "hex");
  let found: Caller | null = null;
  for (const key of keys) if (timingSafeEqual(key.digest, digest)) found = key.caller;
  return found;
};
