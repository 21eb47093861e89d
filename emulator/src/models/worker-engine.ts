/** PLACEHOLDER */
import { instantEngine } from "./instant-engine.ts";
import type { ModelEngine } from "./engine.ts";
export function startWorkerEngine(): ModelEngine {
  return instantEngine;
}
