/**
 * Which addresses a webhook may be sent to. It is asked of every address that is about to be connected to,
 * so that a name that leads somewhere else by then leads nowhere. What is not known to be public is refused.
 */
import { lookup } from "node:dns";
import type { LookupAddress } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

/** One's own networks. Where clouds keep their metadata (link-local) is not among them. */
const own: ReadonlySet<string> = new Set(["loopback", "private", "uniqueLocal", "carrierGradeNat"]);

/** Global unicast. Source: RFC 4291, section 2.4; IANA has assigned nothing outside of it to the public. */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/** `public`, or the name of the range that keeps it from being so. IPv4 inside of IPv6 is what it is as IPv4. */
const rangeOf = (address: string): string => {
  if (!ipaddr.isValid(address)) return "unknown";
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  if (range !== "unicast") return range;
  return parsed instanceof ipaddr.IPv6 && !parsed.match(globalUnicast) ? "reserved" : "public";
};

/** Why the address is refused; null where it is not. */
export const refusalOf = (address: string, allowPrivate: boolean): string | null => {
  const range = rangeOf(address);
  if (range === "public" || (allowPrivate && own.has(range))) return null;
  return `its address is not public (${range})`;
};

/** The address that a URL names without any look-up, however it is written; null where it names a host. */
export const literalAddress = ({ hostname }: URL): string | null => {
  const bare = hostname.replace(/^\[|\]$/g, "");
  return isIP(bare) === 0 ? null : bare;
};

/** No address of the host may be connected to. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

/** Answers all addresses of a host, as `dns.lookup` does with `all`. */
export type Resolve = (
  hostname: string,
  done: (error: Error | null, addresses: ReadonlyArray<LookupAddress>) => void,
) => void;

const systemResolve: Resolve = (hostname, done) => {
  lookup(hostname, { all: true }, done);
};

/** A look-up for a socket that answers only what may be connected to. */
export const guardedLookup =
  (allowPrivate: boolean, resolve: Resolve = systemResolve): LookupFunction =>
  (hostname, { all }, done) => {
    resolve(hostname, (error, addresses) => {
      if (error !== null) return done(error, "");
      const [refusal] = addresses.flatMap(({ address }) => refusalOf(address, allowPrivate) ?? []);
      const allowed = addresses.filter(({ address }) => refusalOf(address, allowPrivate) === null);
      const [first] = allowed;
      if (first === undefined) return done(new AddressRefused(refusal ?? "it has no address"), "");
      if (all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
