/** /emulator/*: what the real provider does not have. Health, the ledger, and the fault plan. */
import type { Emulation } from "../emulation.ts";
import { decodePlan } from "../faults/decode-plan.ts";
import { jsonBody, type Call } from "../http/call.ts";
import { json, problem, type Reply } from "../http/reply.ts";
import { prices } from "../prices.ts";

export function getHealth({ nonce, settings }: Emulation): Reply {
  return json(200, {
    status: "ok",
    emulated: true,
    nonce,
    pid: process.pid,
    models: settings.models,
  });
}

export function getLedger({ ledger }: Emulation): Reply {
  const entries = ledger.entries();
  const totalUsd = entries.reduce((sum, entry) => sum + Math.round(entry.costUsd * 1e7), 0) / 1e7;
  return json(200, { entries, totalUsd, prices });
}

export function getPlan({ plan }: Emulation): Reply {
  return json(200, { rules: plan.describe() });
}

/** Replaces the plan and its counters; a plan that cannot be read changes nothing. */
export function setPlan({ plan }: Emulation, call: Call): Reply {
  const decoded = decodePlan(jsonBody(call));
  if ("problem" in decoded) return problem(422, decoded.problem, { title: "Not a fault plan" });
  plan.set(decoded.rules);
  return json(200, { rules: plan.describe() });
}

export function resetPlan({ plan }: Emulation): Reply {
  plan.set([]);
  return json(200, { rules: [] });
}
