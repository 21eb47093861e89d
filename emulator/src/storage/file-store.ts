/**
 * Bytes the emulator holds: uploads of the files API and outputs of predictions. Each file is one file on disk,
 * written before its record, or memory where there is no state directory.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { OutputFile } from "../models/engine.ts";
import { openRecordLog, type RecordLog } from "./record-log.ts";

export interface StoredFile {
  readonly id: string;
  readonly purpose: "upload" | "output";
  readonly name: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly md5: string;
  readonly createdAt: number;
  readonly metadata: JsonObject;
  /** For an output, the prediction that made it. */
  readonly predictionId?: string;
}

export type NewFile = Omit<StoredFile, "sizeBytes" | "sha256" | "md5">;

export class FileStore {
  readonly #directory: string | undefined;
  readonly #log: RecordLog;
  readonly #files = new Map<string, StoredFile>();
  readonly #bytes = new Map<string, Buffer>();

  constructor(stateDirectory: string | undefined) {
    this.#directory = stateDirectory === undefined ? undefined : join(stateDirectory, "files");
    if (this.#directory !== undefined) mkdirSync(this.#directory, { recursive: true });
    this.#log = openRecordLog(
      stateDirectory === undefined ? undefined : join(stateDirectory, "files.jsonl"),
    );
    for (const record of this.#log.stored) this.#replay(record);
  }

  add(file: NewFile, bytes: Buffer): StoredFile {
    const hash = (algorithm: string): string => createHash(algorithm).update(bytes).digest("hex");
    const stored = { ...file, sizeBytes: bytes.length, sha256: hash("sha256"), md5: hash("md5") };
    if (this.#directory === undefined) this.#bytes.set(file.id, bytes);
    else writeFileSync(join(this.#directory, file.id), bytes);
    this.#log.append(stored);
    this.#files.set(file.id, stored);
    return stored;
  }

  /** Stores an output at an unguessable path, which is returned without the origin. */
  addOutput(
    { name, contentType, bytes }: OutputFile,
    predictionId: string,
    createdAt: number,
  ): string {
    const id = randomBytes(24).toString("base64url");
    const file = {
      id,
      purpose: "output",
      name,
      contentType,
      createdAt,
      metadata: {},
      predictionId,
    } as const;
    this.add(file, Buffer.from(bytes));
    return `/delivery/${id}/${name}`;
  }

  get(id: string): StoredFile | undefined {
    return this.#files.get(id);
  }

  /** The output file at a path of addOutput. */
  ofOutput(path: unknown): StoredFile | undefined {
    const isOutput = typeof path === "string" && path.startsWith("/delivery/");
    return isOutput ? this.#files.get(path.split("/")[2] ?? "") : undefined;
  }

  all(): readonly StoredFile[] {
    return [...this.#files.values()];
  }

  /** The bytes of a file that get returned. */
  read({ id }: StoredFile): Buffer {
    return this.#directory === undefined
      ? (this.#bytes.get(id) ?? Buffer.alloc(0))
      : readFileSync(join(this.#directory, id));
  }

  delete(id: string): void {
    if (!this.#files.delete(id)) return;
    this.#log.append({ deleted: id });
    this.#removeBytes(id);
  }

  clear(): void {
    for (const id of this.#files.keys()) this.#removeBytes(id);
    this.#files.clear();
    this.#log.clear();
  }

  close(): void {
    this.#log.close();
  }

  #removeBytes(id: string): void {
    this.#bytes.delete(id);
    if (this.#directory !== undefined) rmSync(join(this.#directory, id), { force: true });
  }

  #replay(record: unknown): void {
    if (isStoredFile(record)) this.#files.set(record.id, record);
    else if (isJsonObject(record) && typeof record["deleted"] === "string")
      this.#files.delete(record["deleted"]);
  }
}

function isStoredFile(value: unknown): value is StoredFile {
  return (
    isJsonObject(value) && typeof value["id"] === "string" && typeof value["sha256"] === "string"
  );
}
