/**
 * An append-only file of JSON lines, or the same in memory. Each append is one write to the operating system before
 * the caller goes on, so it survives SIGKILL of this process; it is not synced to the disk, so a power cut may lose
 * the last lines. A line torn by a kill is cut off when the file is opened again.
 */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { parseJson } from "../json.ts";

export interface RecordLog {
  /** What was stored before this log was opened, oldest first. */
  readonly stored: readonly unknown[];
  readonly append: (record: unknown) => void;
  /** Forgets every record, on disk too. */
  readonly clear: () => void;
  readonly close: () => void;
}

/** Opens the log at path; without a path nothing is stored. */
export function openRecordLog(path: string | undefined): RecordLog {
  if (path === undefined) return { stored: [], append: none, clear: none, close: none };
  const stored = existsSync(path) ? recover(path) : [];
  const file = openSync(path, "a");
  return {
    stored,
    append: (record) => void writeSync(file, `${JSON.stringify(record)}\n`),
    clear: () => ftruncateSync(file),
    close: () => closeSync(file),
  };
}

function none(): void {}

function recover(path: string): readonly unknown[] {
  const text = readFileSync(path, "utf8");
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  if (complete.length < text.length) truncateSync(path, Buffer.byteLength(complete));
  return complete
    .split("\n")
    .filter((line) => line.length > 0)
    .map(parseJson)
    .filter((record) => record !== undefined);
}
