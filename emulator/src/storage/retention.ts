/** Files go when their time is over: uploads after a day, outputs after an hour. What is expired is not shown before, either. */
import type { Clock } from "../clock.ts";
import type { Settings } from "../settings.ts";
import type { FileStore, StoredFile } from "./file-store.ts";

export interface RetentionParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly files: FileStore;
  readonly closing: AbortSignal;
}

/** An output is written just before its prediction ends; its bytes go when the prediction's data are surely gone. */
const OUTPUT_GRACE_MS = 1_000;

/** The instant from which on the file is gone. */
export function expiresAt({ purpose, createdAt }: StoredFile, settings: Settings): number {
  return purpose === "upload"
    ? createdAt + settings.uploadRetentionMs
    : createdAt + settings.retentionMs + OUTPUT_GRACE_MS;
}

export class Retention {
  readonly #parts: RetentionParts;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    for (const file of parts.files.all()) this.keep(file);
  }

  /** Keeps a stored file for its time and then deletes it. */
  keep(file: StoredFile): void {
    const { settings, clock, files, closing } = this.#parts;
    void clock
      .sleep(Math.max(0, expiresAt(file, settings) - clock.now()), closing)
      .then((isOver) => isOver && files.delete(file.id));
  }
}
