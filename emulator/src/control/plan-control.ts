/** The fault plan over HTTP. */
import type { Emulation } from "../emulation.ts";
import { decodePlan } from "../faults/decode-plan.ts";
import { jsonBody, type Call } from "../http/call.ts";
import { problem } from "../http/problems.ts";
import { json, type Reply } from "../http/reply.ts";

export function getPlan({ plan }: Emulation): Reply {
  return json(200, { rules: plan.describe() });
}

/** Replaces the plan and its counters; a plan that cannot be read changes nothing. */
export function setPlan({ plan }: Emulation, call: Call): Reply {
  const decoded = decodePlan(jsonBody(call));
  if ("problem" in decoded) return problem(422, decoded.problem, "Not a fault plan");
  plan.set(decoded.rules);
  return json(200, { rules: plan.describe() });
}

export function resetPlan({ plan }: Emulation): Reply {
  plan.set([]);
  return json(200, { rules: [] });
}
