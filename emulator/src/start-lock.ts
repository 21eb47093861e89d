/**
 * A lock file that lets one process at a time start the emulator. It holds the owner's process id; a lock whose
 * owner is dead is taken away by renaming it, which only one of several contenders can do.
 */
import { linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { isProcessAlive } from "./instance.ts";

/** No start takes this long: an older lock's process id belongs to somebody else by now. */
const OLDEST_LOCK_MS = 120_000;

/** The function that releases the lock, or undefined while another process has it. Never waits. */
export function takeLock(path: string): (() => void) | undefined {
  const mine = `${process.pid} ${randomUUID()}`;
  const draft = `${path}.${randomUUID()}`;
  // Linking a finished file, not creating an empty one: nobody ever reads a lock without an owner in it.
  writeFileSync(draft, mine);
  try {
    linkSync(draft, path);
    return () => {
      if (readOwner(path) === mine) rmSync(path, { force: true });
    };
  } catch {
    breakDeadLock(path);
    return undefined;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a lock whose owner is dead; the caller tries again. */
function breakDeadLock(path: string): void {
  const owner = readOwner(path);
  if (owner === undefined) return;
  const isOwnerAlive = isProcessAlive(Number(owner.split(" ")[0]));
  if (isOwnerAlive && ageMs(path) < OLDEST_LOCK_MS) return;
  const grave = `${path}.dead.${randomUUID()}`;
  try {
    renameSync(path, grave);
    // Another contender may have put its own lock there between the look and the renaming: it gets it back.
    if (readOwner(grave) !== owner) linkSync(grave, path);
  } catch {
    // Another contender was faster; the next try sees its lock.
  }
  rmSync(grave, { force: true });
}

/** 0 where there is no lock any more. */
function ageMs(path: string): number {
  const modifiedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return modifiedAt === undefined ? 0 : Date.now() - modifiedAt;
}

function readOwner(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
