/** What a process and its committing thread say to each other: plain data, copied on its way. */
import type { StoreFailure, Write, WriteResult } from "../../journal-store.ts";
import type { DatabaseOptions } from "./database.ts";

/** A batch, or the wish that the thread ends. */
export type CommitRequest = { readonly writes: ReadonlyArray<Write> } | "close";

/** `committed`: every write. `bug`: the batch is one that cannot be, as where the store dies in the process itself. */
export type CommitAnswer =
  | { readonly type: "ready" }
  | { readonly type: "committed" }
  | { readonly type: "done"; readonly results: ReadonlyArray<WriteResult> }
  | { readonly type: "failed"; readonly reason: StoreFailure["reason"]; readonly message: string }
  | { readonly type: "bug"; readonly cause: unknown };

/** What a thread is started with: the options with which its process has opened the file. */
export type ThreadOptions = DatabaseOptions & { readonly threadId: string };

export const isThreadOptions = (data: unknown): data is ThreadOptions =>
  typeof data === "object" && data !== null && "path" in data && "threadId" in data;
