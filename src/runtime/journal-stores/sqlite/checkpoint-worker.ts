/** The thread that moves SQLite's log into the file for its process, whenever it is asked to. */
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { type CheckpointRequest, isCheckpointOptions } from "./checkpoint-messages.ts";
import { existingFile } from "./existing-file.ts";

const options: unknown = workerData;
if (parentPort === null || !isCheckpointOptions(options))
  throw new Error("this file is run by a thread that was given the options of a database");
const port = parentPort;
const db = new DatabaseSync(existingFile(options.path), { timeout: 0 });
// Log and file are flushed as the process itself flushes them.
db.exec(`PRAGMA synchronous = ${options.synchronous}`);
const checkpoint = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");

const moveLog = (): void => {
  try {
    checkpoint.get();
  } catch {
    // What is not moved stays in the log, where it is as safe. A disk in trouble is told by the next commit.
  }
};

port.on("message", (request: CheckpointRequest) => {
  if (request === "close") {
    db.close();
    port.close();
    return;
  }
  moveLog();
  port.postMessage(request);
});
