/** GET /v1/account and GET /v1/hardware: who the token belongs to, and what models can be run on. */
import { ACCOUNT } from "../account.ts";
import type { Emulation } from "../emulation.ts";
import { json, type Reply } from "../http/reply.ts";

export function getAccount(_emulation: Emulation): Reply {
  return json(200, ACCOUNT);
}

export function listHardware(_emulation: Emulation): Reply {
  return json(200, [
    { sku: "cpu", name: "CPU" },
    { sku: "gpu-t4", name: "Nvidia T4 GPU" },
    { sku: "gpu-a40-small", name: "Nvidia A40 GPU" },
    { sku: "gpu-a40-large", name: "Nvidia A40 (Large) GPU" },
  ]);
}
