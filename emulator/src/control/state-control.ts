/** Health, ledger, what was sent to webhooks, and the great reset. */
import type { Emulation } from "../emulation.ts";
import type { Call } from "../http/call.ts";
import { json, type Reply } from "../http/reply.ts";
import { prices } from "../prices.ts";

export function getHealth({ nonce, settings }: Emulation): Reply {
  const { models } = settings;
  return json(200, { status: "ok", emulated: true, nonce, pid: process.pid, models });
}

export function getLedger({ ledger }: Emulation): Reply {
  return json(200, { entries: ledger.entries(), totalUsd: ledger.totalUsd(), prices });
}

/** All of them, or with `?prediction=` those of one. */
export function listDeliveries({ deliveries }: Emulation, { url }: Call): Reply {
  return json(200, { deliveries: deliveries.all(url.searchParams.get("prediction")) });
}

export function resetEverything(emulation: Emulation): Reply {
  emulation.reset();
  return json(200, { status: "reset" });
}
