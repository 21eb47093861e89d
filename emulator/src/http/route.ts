/** One line of a route table, and the search for the line that a request means. */
import type { Emulation } from "../emulation.ts";
import type { Verdict } from "../faults/fault-plan.ts";
import type { Operation } from "../faults/fault.ts";
import type { Call } from "./call.ts";
import type { Reply } from "./reply.ts";

export interface Route {
  readonly method: string;
  /** `:name` captures a segment, or what is left of it behind a fixed beginning. */
  readonly path: string;
  /** What a fault plan calls it; absent for what no fault plan touches. */
  readonly operation?: Operation;
  /** `api` (the default) wants a token and counts against the rate limits; `open` does neither; `control` is for tests. */
  readonly access?: "api" | "open" | "control";
  readonly handle: (emulation: Emulation, call: Call, verdict: Verdict) => Reply | Promise<Reply>;
  /** The model that fault rules match, where the request names one. */
  readonly modelOf?: (emulation: Emulation, call: Call) => string | undefined;
}

export interface RouteMatch {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** The first route of the table that a request matches, with what its path captured. */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): RouteMatch | undefined {
  for (const route of routes) {
    const parameters = route.method === method ? capture(route.path, path) : undefined;
    if (parameters !== undefined) return { route, parameters };
  }
  return undefined;
}

function capture(pattern: string, path: string): RouteMatch["parameters"] | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const [beginning = "", name] = segment.split(":");
    const value = given[index] ?? "";
    if (name === undefined && value !== segment) return undefined;
    if (name === undefined) continue;
    if (!value.startsWith(beginning) || value === beginning) return undefined;
    parameters[name] = value.slice(beginning.length);
  }
  return parameters;
}
