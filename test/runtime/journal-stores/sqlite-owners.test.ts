/** Life and death of owners in processes of their own: frozen is alive, killed is dead at once. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, it } from "@effect/vitest";
import { Effect } from "effect";
import { expect } from "vitest";
import { appendOf } from "../../../src/runtime/journal-stores/conformance/samples.ts";
import { SqliteJournalStore } from "../../../src/runtime/journal-stores/sqlite.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const script = fileURLToPath(new URL("owner-process.ts", import.meta.url));

const gone = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
};

/** Starts an owner process and waits for the id it says. */
const ownerProcess = (path: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, [script, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [owner] = await once(createInterface(child.stdout), "line");
      return { child, owner: String(owner) };
    }),
    ({ child }) => Effect.promise(() => gone(child)),
  );

const isLinux = process.platform === "linux";

/** True once the kernel shows the process as stopped. */
const isStopped = (pid: number): boolean => /\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

describe("an owner in a process of its own", () => {
  it.effect.runIf(isLinux)(
    "is alive while frozen, dead once killed, and its job can be taken over",
    () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryFolder, "catena.db");
        const { child, owner } = yield* ownerProcess(path);
        const store = yield* SqliteJournalStore.make({ path, synchronous: "NORMAL" });
        const self = yield* store.register;
        expect(yield* store.deadOwners(self)).toEqual([]);

        child.kill("SIGSTOP");
        const { pid = 0 } = child;
        while (!isStopped(pid)) yield* Effect.promise(() => new Promise(setImmediate));
        expect(yield* store.deadOwners(self)).toEqual([]);

        yield* Effect.promise(() => gone(child));
        expect(yield* store.deadOwners(self)).toEqual([owner]);
        const claim = { owner: self, epoch: 2 };
        expect(yield* store.commit([appendOf("a", 1, { claim })])).toEqual([{ type: "Committed" }]);
        expect(yield* store.deadOwners(self)).toEqual([]);
      }),
  );
});
