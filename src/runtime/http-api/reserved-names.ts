/** The first words of the service's own addresses, which no pipeline can have as its name. */
import { StartError } from "../options.ts";

const reserved: ReadonlySet<string> = new Set([
  "alerts",
  "assets",
  "dashboard",
  "dead-letters",
  "docs",
  "health",
  "jobs",
  "limits",
  "metrics",
  "notifications",
  "openapi",
  "webhooks",
]);

/** Throws StartError for a name that the HTTP API uses itself. */
export const refuseReservedName = (field: string, name: string): void => {
  if (!reserved.has(name)) return;
  const taken = [...reserved].join(", ");
  throw new StartError(field, `a name the HTTP API does not use itself (${taken})`, name);
};
