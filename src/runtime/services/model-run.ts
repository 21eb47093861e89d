/** A model step of a job, as its service handles it. */
import type { ModelProgram } from "../../steps/step.ts";
import type { StepRun } from "./attempt.ts";
import type { Provider } from "../predictions/providers.ts";

export interface ModelRun extends StepRun {
  readonly program: ModelProgram;
  readonly provider: Provider;
  /** The model's name without the client's key. */
  readonly model: string;
}
