/** The config for a process that runs some of its pipelines alone. */
import type { AnyPipeline } from "../../machines/pipeline.ts";
import type { NotificationOptions } from "../notifications/notification-options.ts";
import type { ConfigOptions } from "./config-file.ts";

/**
 * These pipelines in the place of the config's. Subscriptions to the jobs of others are left to the processes
 * that run those; a name that the config does not have stays, and is refused as everywhere.
 */
export const optionsOf = (
  { notifications, ...options }: ConfigOptions,
  pipelines: ReadonlyArray<AnyPipeline>,
): ConfigOptions => {
  const stays = new Set(pipelines.map(({ plan }) => plan.name));
  const left = options.pipelines.map(({ plan }) => plan.name).filter((name) => !stays.has(name));
  return {
    ...options,
    pipelines,
    ...(notifications !== undefined && { notifications: without(new Set(left), notifications) }),
  };
};

const without = (left: ReadonlySet<unknown>, given: NotificationOptions): NotificationOptions => {
  // What is no record of subscriptions is refused where options are checked.
  if (typeof given !== "object" || given === null) return given;
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, subscription]) => {
      const wanted: unknown = subscription?.pipelines;
      if (!Array.isArray(wanted)) return [[name, subscription]];
      const own = wanted.filter((pipeline: unknown) => !left.has(pipeline));
      return own.length === 0 && wanted.length > 0
        ? []
        : [[name, { ...subscription, pipelines: own }]];
    }),
  );
};
