/** A small CRM to send requests to. */
import { Schema } from "effect";
import { recordingServer, type Reply } from "./recording-server.ts";

export const Lead = Schema.Struct({ name: Schema.String });
export const Row = Schema.Struct({ id: Schema.Int });
export const lead = { name: "Ann" };

/** Answers one after the other; the last one stays. */
export const serving = (...replies: ReadonlyArray<Reply>) =>
  recordingServer((_, ordinal) => replies[Math.min(ordinal, replies.length) - 1] ?? {});
