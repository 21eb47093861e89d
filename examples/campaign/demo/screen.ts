/** Where the demo writes: lines that stay, and on a terminal one line under them that is rewritten. */
import type { WriteStream } from "node:tty";

export interface Screen {
  readonly stream: NodeJS.WriteStream;
  /** False for pipes, files and terminals that cannot move: nothing is rewritten there. */
  readonly isTerminal: boolean;
  readonly write: (line: string) => void;
  /** Rewritten in place on a terminal; elsewhere a line, unless one was written since the last call. */
  readonly status: (line: string) => void;
  readonly clearStatus: () => void;
}

const clearLine = "\r\u001B[2K";

export const makeScreen = (
  stream: NodeJS.WriteStream & Partial<Pick<WriteStream, "columns">>,
  environment: NodeJS.ProcessEnv,
): Screen => {
  const isTerminal = stream.isTTY && environment["TERM"] !== "dumb";
  let hasStatus = false;
  let wasQuiet = true;
  // Whoever read us may have left; the job is worth finishing all the same.
  stream.on("error", () => undefined);
  const clearStatus = (): void => {
    if (hasStatus) stream.write(clearLine);
    hasStatus = false;
  };
  return {
    stream,
    isTerminal,
    write: (line) => {
      clearStatus();
      wasQuiet = false;
      stream.write(`${line}\n`);
    },
    status: (line) => {
      if (isTerminal) {
        // A line that wraps could not be cleared.
        stream.write(`${clearLine}${line.slice(0, (stream.columns ?? 80) - 1)}`);
        hasStatus = true;
      } else if (wasQuiet) stream.write(`${line}\n`);
      wasQuiet = true;
    },
    clearStatus,
  };
};
