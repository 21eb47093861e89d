/** The thread that commits for its process: a connection of its own, one batch after the other. */
import { parentPort, workerData } from "node:worker_threads";
import type { Write } from "../../journal-store.ts";
import { type CommitAnswer, type CommitRequest, isThreadOptions } from "./commit-messages.ts";
import { openBeside } from "./database.ts";
import { failureOf } from "./failure.ts";
import { inTransaction } from "./transaction.ts";
import { applyWrites } from "./writes.ts";

const options: unknown = workerData;
if (parentPort === null || !isThreadOptions(options))
  throw new Error("this file is run by a thread that was given the options of a database");
const port = parentPort;
const connection = openBeside(options);

const answerTo = (writes: ReadonlyArray<Write>): CommitAnswer => {
  try {
    const results = inTransaction(connection, () => applyWrites(connection, writes));
    const areAll = results.every(({ type }) => type === "Committed");
    return areAll ? { type: "committed" } : { type: "done", results };
  } catch (cause) {
    const failure = failureOf("commit", cause);
    const message = cause instanceof Error ? cause.message : String(cause);
    return failure === null
      ? { type: "bug", cause }
      : { type: "failed", reason: failure.reason, message };
  }
};

port.on("message", (request: CommitRequest) => {
  if (request === "close") {
    connection.db.close();
    port.close();
    return;
  }
  port.postMessage(answerTo(request.writes));
});
port.postMessage({ type: "ready" } satisfies CommitAnswer);
