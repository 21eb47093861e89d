/**
 * Whether the file at the path is still the one that was opened. SQLite does not ask: it writes on into a file that was
 * deleted or replaced as if nothing were, and all of that is gone once the process ends.
 */
import { statSync } from "node:fs";
import { StoreFailure } from "../../journal-store.ts";

const identityOf = (path: string): string | null => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev} ${found.ino}`;
};

export class OpenedFile {
  readonly #path: string;
  readonly #opened: string | null;
  #present: string | null;

  /** The file at the path, which is open. */
  constructor(path: string) {
    this.#path = path;
    this.#opened = identityOf(path);
    this.#present = this.#opened;
  }

  /** Looks at what lies at the path now. */
  look(): void {
    this.#present = identityOf(this.#path);
  }

  /** What to say of a commit, as of the last look; null where all is well. */
  failure(): StoreFailure | null {
    if (this.#present === this.#opened) return null;
    const [what, goOn] =
      this.#present === null
        ? ["deleted or moved away", "put it back where it was"]
        : ["replaced by another", "start anew to go on with that one, or put the old one back"];
    const message = `${this.#path} was ${what} while this process has it open: ${goOn}`;
    return new StoreFailure({ operation: "commit", reason: "Io", cause: new Error(message) });
  }
}
