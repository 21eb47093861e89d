/** One emulator process for each state directory: found, started, survived, ended. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connectEmulator, type Connection } from "../../emulator/src/connect.ts";
import { readInstance } from "../../emulator/src/instance.ts";
import { createConcept, finished, getPrediction, listed, post } from "./emulator-client.ts";
import { gone, kill, stateDirectory } from "./state-directory.ts";

function connect(directory: string, idleMinutes: number = 1): Promise<Connection> {
  return connectEmulator({ stateDirectory: directory, idleMinutes, models: "instant" });
}

test("two callers at once get the same process, and a third finds it running", async () => {
  const directory = await stateDirectory();
  const [first, second] = await Promise.all([connect(directory), connect(directory)]);
  expect(first.pid).toBe(second.pid);
  expect(first.started).not.toBe(second.started);
  expect(await connect(directory)).toEqual({ url: first.url, pid: first.pid, started: false });
});

test("after SIGKILL a new process has the old state and finishes what was running", async () => {
  const directory = await stateDirectory();
  const before = await connect(directory);
  const done = await finished(before, (await createConcept(before)).id);
  await post(before, "/emulator/plan", [
    {
      match: { operation: "create", nth: 1 },
      fault: { type: "outcome", outcome: { kind: "slow-boot", bootMs: 300 } },
    },
    {
      match: { operation: "create", nth: 2 },
      fault: { type: "outcome", outcome: { kind: "hang" } },
    },
  ]);
  const running = await createConcept(before);
  const hanging = await createConcept(before);
  await kill(before.pid);
  const after = await connect(directory);
  expect(after.started).toBe(true);
  expect(after.url).toBe(before.url);
  expect(await getPrediction(after, done.id)).toEqual(done);
  expect((await finished(after, running.id)).status).toBe("succeeded");
  expect((await getPrediction(after, hanging.id)).status).toBe("processing");
  const response = await fetch(`${after.url}/emulator/ledger`);
  const { entries } = (await response.json()) as { readonly entries: readonly { id: string }[] };
  expect(entries.map(({ id }) => id)).toEqual([done.id, running.id, hanging.id]);
});

test("a stale instance file and a dead starter's lock are no obstacle", async () => {
  const directory = await stateDirectory();
  const dead = await connect(directory);
  await kill(dead.pid);
  writeFileSync(join(directory, "start.lock"), `${dead.pid} nobody`);
  // The recorded process id may belong to somebody else by now: here, to this test.
  const instance = { ...readInstance(directory), pid: process.pid };
  writeFileSync(join(directory, "emulator.json"), JSON.stringify(instance));
  const { started, pid } = await connect(directory);
  expect(started).toBe(true);
  expect(pid).not.toBe(dead.pid);
});

test("it leaves when nobody asks any more, and takes its file with it", async () => {
  const directory = await stateDirectory();
  const { pid } = await connect(directory, 0.02);
  await gone(pid);
  expect(existsSync(join(directory, "emulator.json"))).toBe(false);
});

test("SIGTERM removes the instance file", async () => {
  const directory = await stateDirectory();
  const connection = await connect(directory);
  expect((await listed(connection)).results).toEqual([]);
  await kill(connection.pid, "SIGTERM");
  expect(existsSync(join(directory, "emulator.json"))).toBe(false);
});

test("what does not come up is told with the end of its log", async () => {
  const directory = await stateDirectory();
  const starting = connectEmulator({ stateDirectory: directory, idleMinutes: 0 });
  await expect(starting).rejects.toThrow(
    /did not come up \(exit 1\)[^]*idle-minutes is a positive number/u,
  );
});
