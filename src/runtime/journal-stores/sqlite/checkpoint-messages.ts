/** What a process and the thread that moves its log say to each other. */
import type { DatabaseOptions } from "./database.ts";

/** The wish that the log be moved, or that the thread end. The first is answered once it has been tried. */
export type CheckpointRequest = "checkpoint" | "close";

export type CheckpointOptions = Pick<DatabaseOptions, "path" | "synchronous">;

export const isCheckpointOptions = (data: unknown): data is CheckpointOptions =>
  typeof data === "object" && data !== null && "path" in data && "synchronous" in data;
