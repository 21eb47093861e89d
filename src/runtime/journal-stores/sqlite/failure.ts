/** SQLite's errors as StoreFailures, and the bounded wait for a file that another process holds. */
import { Effect, Schedule } from "effect";
import type { Duration } from "effect";
import { StoreFailure } from "../../journal-store.ts";

/** Primary result codes, the lower byte of `errcode`. Source: https://sqlite.org/rescode.html */
const reasonByCode: ReadonlyMap<number, StoreFailure["reason"]> = new Map([
  [1, "Broken"], // ERROR: a table or column is not what this version knows
  [5, "Busy"], // BUSY
  [6, "Busy"], // LOCKED
  [8, "ReadOnly"], // READONLY
  [11, "Broken"], // CORRUPT
  [13, "Full"], // FULL
  [26, "Broken"], // NOTADB
]);

/** SQLite's primary result code, or null for an error of another kind. */
const codeOf = (cause: unknown): number | null =>
  cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number"
    ? cause.errcode & 0xff
    : null;

/** True where another connection holds the file. */
export const isBusy = (cause: unknown): boolean => codeOf(cause) === 5;

/** The system's own errors: a folder that is not there, a disk that is full. */
const reasonBySystemCode: ReadonlyMap<unknown, StoreFailure["reason"]> = new Map([
  ["EACCES", "ReadOnly"],
  ["EPERM", "ReadOnly"],
  ["EROFS", "ReadOnly"],
  ["ENOSPC", "Full"],
  ["EDQUOT", "Full"],
]);

const systemReasonOf = (cause: unknown): StoreFailure["reason"] | null =>
  cause instanceof Error && "syscall" in cause && "code" in cause
    ? (reasonBySystemCode.get(cause.code) ?? "Io")
    : null;

const isClosed = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "ERR_INVALID_STATE";

const constraint = 19;

/** Null for what is no trouble of the store but a bug: a broken constraint, a TypeError. */
export const failureOf = (operation: string, cause: unknown): StoreFailure | null => {
  if (cause instanceof StoreFailure) return cause;
  if (isClosed(cause)) return new StoreFailure({ operation, reason: "Io", cause });
  const systemReason = systemReasonOf(cause);
  if (systemReason !== null) return new StoreFailure({ operation, reason: systemReason, cause });
  const code = codeOf(cause);
  if (code === null || code === constraint) return null;
  return new StoreFailure({ operation, reason: reasonByCode.get(code) ?? "Io", cause });
};

/** What does not decode is a broken store. */
export const broken = (operation: string, cause: unknown): StoreFailure =>
  new StoreFailure({ operation, reason: "Broken", cause });

/** How long (and that is all that is bounded) a call waits for a busy file. */
export interface BusyWait {
  readonly busyLimit: Duration.Input;
}

/** Runs it at once; waits for a busy file. Fails with: StoreFailure. */
export const attempt = <A>(
  operation: string,
  wait: BusyWait,
  run: () => A,
): Effect.Effect<A, StoreFailure> => {
  const once = Effect.suspend(() => {
    try {
      return Effect.succeed(run());
    } catch (cause) {
      const failure = failureOf(operation, cause);
      return failure === null ? Effect.die(cause) : Effect.fail(failure);
    }
  });
  return waitingWhileBusy(wait, once);
};

/** A busy file is asked again after 1, 2, 4 ... 50 ms until the limit. */
export const waitingWhileBusy = <A>(
  { busyLimit }: BusyWait,
  once: Effect.Effect<A, StoreFailure>,
): Effect.Effect<A, StoreFailure> =>
  Effect.catchTag(once, "StoreFailure", (failure) =>
    failure.reason === "Busy" ? again(once, busyLimit) : Effect.fail(failure),
  );

const again = <A>(
  once: Effect.Effect<A, StoreFailure>,
  busyLimit: Duration.Input,
): Effect.Effect<A, StoreFailure> =>
  Effect.retry(once, {
    schedule: Schedule.min([Schedule.exponential("1 millis"), Schedule.spaced("50 millis")]).pipe(
      Schedule.upTo({ duration: busyLimit }),
    ),
    while: (failure) => failure.reason === "Busy",
  });
