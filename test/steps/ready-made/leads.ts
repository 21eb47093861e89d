/** A small CRM to send requests to. */
import { Schema } from "effect";
import { Pipeline, Steps } from "../../../src/index.ts";
import { recordingServer, type Reply } from "./recording-server.ts";

export const Lead = Schema.Struct({ name: Schema.String });
export const Row = Schema.Struct({ id: Schema.Int });
export const lead = { name: "Ann" };

/** Answers one after the other; the last one stays. */
export const serving = (...replies: ReadonlyArray<Reply>) =>
  recordingServer((_, ordinal) => replies[Math.min(ordinal, replies.length) - 1] ?? {});

/** Sends one lead. */
export const leadsTo = (origin: string) =>
  Pipeline.make("leads", { version: 1, input: Lead })
    .step(Steps.http("crm", { input: Lead, url: origin, response: Row }))
    .output(Row, ({ last }) => last);
