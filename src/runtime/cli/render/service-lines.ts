/** What a process that runs jobs says of itself when it starts. */
import type { AnyPipeline } from "../../../machines/pipeline.ts";
import type { RuntimeOptions } from "../../options.ts";

export const serviceLine = (pipelines: ReadonlyArray<AnyPipeline>, recovered: number): string => {
  const names = pipelines.map(({ plan: { name, version } }) => `${name}@${version}`).join(", ");
  const taken = recovered === 0 ? "" : `; takes up ${recovered} unfinished`;
  return `Runs the jobs of ${names}${taken}`;
};

export const storeLine = ({ store }: Pick<RuntimeOptions, "store">): string => {
  if (store === "memory") return "Store in memory: nothing survives this process";
  return `Store ${typeof store === "string" ? store : "of the config's own"}`;
};

/** Where the HTTP API is, and who may call it there. */
export const httpLine = (address: string, { http }: Pick<RuntimeOptions, "http">): string => {
  const isOpen = http?.keys === undefined && http?.caller === undefined;
  const callers = isOpen ? "whoever is on this machine may call" : "callers need a key";
  const docs = http?.docs === false ? "" : `; reference at ${address}/docs`;
  return `HTTP API at ${address}, ${callers}${docs}`;
};
