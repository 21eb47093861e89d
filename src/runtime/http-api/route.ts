/** One address of the API: how it is described, who may call it, what it answers. */
import type { Effect } from "effect";
import type { HttpServerRequest, HttpServerResponse } from "effect/http";
import type { HttpApiEndpoint } from "effect/http-api";
import type { AssetStoreFailure } from "../../steps/asset-store.ts";
import type { CatenaService } from "../catena-service.ts";
import type { StoreFailure } from "../journal-store.ts";
import type { Caller, Scope } from "./http-options.ts";
import type { HttpSettings } from "./http-settings.ts";
import type { Surroundings } from "./job-view.ts";
import type { Problem } from "./problem.ts";

/** What every answer is made with. */
export interface ApiHost extends Surroundings {
  readonly service: CatenaService["Service"];
  readonly settings: HttpSettings;
  /** Returns once the API closes: nothing that streams may outlive it. */
  readonly closing: Effect.Effect<void>;
}

export interface Incoming {
  readonly request: HttpServerRequest.HttpServerRequest;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly caller: Caller;
}

/** Store trouble and refusals become problems in one place. */
export type Answer = Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Problem | StoreFailure | AssetStoreFailure
>;

export interface Route {
  readonly endpoint: HttpApiEndpoint.Constraint;
  /** What the caller's key must allow. */
  readonly scope: Scope;
  readonly answer: (incoming: Incoming) => Answer;
}
