/** What a host may say of its HTTP API. Types only: the checks are in `http-settings.ts`. */
import type { Duration, Redacted } from "effect";

/** `submit`: new jobs and assets. `read`: what became of them. `operate`: cancel, retry, pause, resume, raw answers. */
export type Scope = "submit" | "read" | "operate";

export interface ApiKey {
  /** Names the key for operators; unique. */
  readonly id: string;
  /** The SHA-256 of the key in hex, as `newApiKey` gives it. */
  readonly sha256?: string;
  /** The key itself, instead of its hash; at least 32 characters. Only its hash is kept. */
  readonly secret?: string | Redacted.Redacted;
  readonly scopes: ReadonlyArray<Scope>;
  /** Its holder sees this tenant's jobs only. Default: all jobs. Letters, digits, `.`, `_`, `-`. */
  readonly tenant?: string;
}

/** Who asks. */
export interface Caller {
  readonly id: string;
  readonly scopes: ReadonlyArray<Scope>;
  /** Null: sees the jobs of every tenant. */
  readonly tenant: string | null;
}

export interface HttpApiOptions {
  /** Who may call. Without keys and without `caller`, nobody may, but over loopback from `catena serve`. */
  readonly keys?: ReadonlyArray<ApiKey>;
  /** The host's own check, where no key was given: who sends this request; null where nobody may. */
  readonly caller?: (request: Request) => CallerInput | null | Promise<CallerInput | null>;
  /** Where the world reaches this API, path included, such as `https://app.example.com/api`. */
  readonly publicUrl?: string;
  /** The path the API is mounted under. Default: the path of `publicUrl`, else none. */
  readonly basePath?: string;
  /** Origins of pages that may call, such as `https://app.example.com`. Default: none. */
  readonly corsOrigins?: ReadonlyArray<string>;
  /** The largest JSON body. Default: 1 MiB. */
  readonly maxBodyBytes?: number;
  /** The largest uploaded asset. Default: 100 MiB. */
  readonly maxAssetBytes?: number;
  /** Requests a minute, for each key. Default: 600. */
  readonly requestsPerMinute?: number;
  /** How often an event stream shows that it is alive. Default: 15 seconds. */
  readonly heartbeatEvery?: Duration.Input;
  /** The signing secrets of providers by name. Default: each is asked for its own, once. */
  readonly webhookSecrets?: Readonly<Record<string, string | Redacted.Redacted>>;
  /** Whether `/openapi.json` and `/docs` are served, without a key. Default: true. */
  readonly docs?: boolean;
}

/** Whom the host vouches for. */
export interface CallerInput {
  readonly id: string;
  readonly scopes: Caller["scopes"];
  readonly tenant?: string | null;
}
