/** The route table of the control API, /emulator/*: what a test needs and the real provider does not have. */
import type { Route } from "../http/route.ts";
import { advanceClock, getClock, getCredit, setCredit } from "./account-control.ts";
import { getPlan, resetPlan, setPlan } from "./plan-control.ts";
import {
  holdPrediction,
  releasePrediction,
  settlePrediction,
  writePrediction,
} from "./prediction-control.ts";
import { getHealth, getLedger, listDeliveries, resetEverything } from "./state-control.ts";

const control = (method: "GET" | "POST", path: string, handle: Route["handle"]): Route => ({
  method,
  path: `/emulator/${path}`,
  access: "control",
  handle,
});

export const controlRoutes: readonly Route[] = [
  control("GET", "health", getHealth),
  control("POST", "reset", resetEverything),
  control("GET", "ledger", getLedger),
  control("GET", "webhooks", listDeliveries),
  control("GET", "plan", getPlan),
  control("POST", "plan", setPlan),
  control("POST", "reset-plan", resetPlan),
  control("GET", "clock", getClock),
  control("POST", "clock", advanceClock),
  control("GET", "credit", getCredit),
  control("POST", "credit", setCredit),
  control("POST", "predictions/:id/settle", settlePrediction),
  control("POST", "predictions/:id/hold", holdPrediction),
  control("POST", "predictions/:id/release", releasePrediction),
  control("POST", "predictions/:id/write", writePrediction),
];
