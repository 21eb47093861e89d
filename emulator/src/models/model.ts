/** What a model is: its real name and schemas, and which toy does its work. */
import type { JsonObject } from "../json.ts";

/** Which toy does the work. */
export type ModelKind = "copywriter" | "painter" | "moderator";

export interface ModelSpec {
  readonly owner: string;
  readonly name: string;
  readonly kind: ModelKind;
  readonly description: string;
  /** Official models can be called by name; others need a version. */
  readonly isOfficial: boolean;
  readonly versionId?: string;
  /** What its output can be streamed as; absent where it cannot. */
  readonly streams?: "text" | "files";
  /** `Input`, `Output` and the enums they refer to. */
  readonly schemas: Readonly<Record<string, JsonObject>>;
}

export interface Model extends ModelSpec {
  readonly fullName: string;
  readonly versionId: string;
}
