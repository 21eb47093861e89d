/** What is the account's and the world's: the credit, and the time. */
import type { Emulation } from "../emulation.ts";
import { jsonBody, type Call } from "../http/call.ts";
import { problem } from "../http/problems.ts";
import { json, type Reply } from "../http/reply.ts";
import { isJsonObject } from "../json.ts";

/** A year: whoever wants more asks again. */
const LONGEST_STEP_MS = 365 * 86_400_000;

export function getClock({ clock }: Emulation): Reply {
  return json(200, { now: new Date(clock.now()).toISOString(), aheadMs: clock.offsetMs() });
}

/** Moves the time forward by `advanceMs`; answered when everything that was due has happened. */
export async function advanceClock(emulation: Emulation, call: Call): Promise<Reply> {
  const body = jsonBody(call);
  const advanceMs = isJsonObject(body) ? body["advanceMs"] : undefined;
  if (typeof advanceMs !== "number" || !(advanceMs >= 0 && advanceMs <= LONGEST_STEP_MS))
    return problem(
      422,
      `advanceMs is a number of milliseconds, 0 to ${LONGEST_STEP_MS}`,
      "Not a step in time",
    );
  await emulation.clock.advance(advanceMs);
  return getClock(emulation);
}

export function getCredit({ credit }: Emulation): Reply {
  return json(200, { usd: credit.leftUsd() ?? null });
}

/** Grants `usd` from now on; null for endless credit. */
export function setCredit(emulation: Emulation, call: Call): Reply {
  const body = jsonBody(call);
  const usd = isJsonObject(body) ? body["usd"] : undefined;
  if (usd !== null && !(typeof usd === "number" && Number.isFinite(usd)))
    return problem(
      422,
      "usd is an amount in US dollars, or null for endless credit",
      "Not a credit",
    );
  emulation.credit.set(usd ?? undefined);
  return getCredit(emulation);
}
