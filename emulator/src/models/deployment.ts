/** Deployments: names under which an account runs a model of its choice. The account has one of each model by default. */
import { allModels, modelNamed } from "./catalog.ts";
import type { Model } from "./model.ts";

export interface Deployment {
  readonly owner: string;
  readonly name: string;
  /** `owner/name` of a model of this emulator. */
  readonly model: string;
}

/** One deployment of each model, under the model's own name. */
export function defaultDeployments(owner: string): readonly Deployment[] {
  return allModels().map(({ name, fullName }) => ({ owner, name, model: fullName }));
}

/** The model behind a deployment. */
export function deployedModel(deployment: Deployment | undefined): Model | undefined {
  return deployment === undefined ? undefined : modelNamed(deployment.model);
}
