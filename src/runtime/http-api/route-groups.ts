/** Every address of the API but health and reference, as the groups that the reference shows. */
import type { Deployed } from "../jobs/job-host.ts";
import { alertRoutes } from "./alert-routes.ts";
import { assetRoutes } from "./asset-routes.ts";
import { jobRoutes } from "./job-routes.ts";
import { limitRoutes } from "./limit-routes.ts";
import { letterRoutes } from "./letter-routes.ts";
import { pipelineRoutes } from "./pipeline-routes.ts";
import type { ApiHost, Route } from "./route.ts";
import { signalRoutes } from "./signal-routes.ts";

export interface RouteGroup {
  readonly title: string;
  readonly description: string;
  readonly routes: ReadonlyArray<Route>;
}

export const routeGroups = (host: ApiHost): ReadonlyArray<RouteGroup> => [
  ...latestOf(host.engine.deployed.values()).map((deployed) => ({
    title: deployed.plan.name,
    description: `Jobs of the pipeline ${deployed.plan.name}; new ones are of version ${deployed.plan.version}.`,
    routes: [...pipelineRoutes(host, deployed), ...signalRoutes(host, deployed)],
  })),
  { title: "assets", description: "Files, in and out.", routes: assetRoutes(host) },
  { title: "jobs", description: "Jobs of every pipeline.", routes: jobRoutes(host) },
  { title: "limits", description: "Budgets and limits, and their use.", routes: limitRoutes(host) },
  {
    title: "dead letters",
    description: "What has failed for good and waits for a person.",
    routes: letterRoutes(host),
  },
  { title: "alerts", description: "What needs a look now.", routes: alertRoutes(host) },
];

/** New jobs are of a pipeline's highest version; those of others are read at the same name. */
const latestOf = (deployed: Iterable<Deployed>): ReadonlyArray<Deployed> => {
  const latest = new Map<string, Deployed>();
  for (const one of deployed) {
    const known = latest.get(one.plan.name);
    if (known === undefined || known.plan.version < one.plan.version)
      latest.set(one.plan.name, one);
  }
  return [...latest.values()];
};
