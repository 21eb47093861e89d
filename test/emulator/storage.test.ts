/** What is on disk: a kill at any moment loses at most the line that was being written. */
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startEmulator } from "../../emulator/src/emulator.ts";
import { openRecordLog } from "../../emulator/src/storage/record-log.ts";
import { createConcept, finished, eventually } from "./emulator-client.ts";
import { stateDirectory } from "./state-directory.ts";

test("a torn last line is cut off, and what follows is whole", async () => {
  const path = join(await stateDirectory(), "log.jsonl");
  const first = openRecordLog(path);
  first.append({ name: "eins" });
  first.append({ name: "zw\u00f6lf" });
  first.close();
  appendFileSync(path, '{"name":"to');
  const second = openRecordLog(path);
  expect(second.stored).toEqual([{ name: "eins" }, { name: "zw\u00f6lf" }]);
  second.append({ name: "drei" });
  second.close();
  const third = openRecordLog(path);
  expect(third.stored).toHaveLength(3);
  third.close();
});

test("a prediction that was stored and not yet booked is booked by the next start", async () => {
  const directory = await stateDirectory();
  const options = { stateDirectory: directory, models: "instant" } as const;
  const before = await startEmulator(options);
  await finished(before, (await createConcept(before)).id);
  const booked = before.ledger();
  await before.stop();
  expect(readFileSync(join(directory, "ledger.jsonl"), "utf8")).not.toBe("");
  writeFileSync(join(directory, "ledger.jsonl"), "");
  const after = await startEmulator(options);
  expect(after.ledger()).toEqual(booked);
  await after.stop();
});

test("a terminal webhook that was never answered is sent by the next start", async () => {
  const directory = await stateDirectory();
  const options = { stateDirectory: directory, models: "instant" } as const;
  const before = await startEmulator({ ...options, webhookRetryDelaysMs: [3_600_000] });
  const webhook = "http://127.0.0.1:1/hook";
  await finished(before, (await createConcept(before, { webhook })).id);
  await before.stop();
  const records = (): string => readFileSync(join(directory, "predictions.jsonl"), "utf8");
  expect(records()).not.toContain('"webhookDone":true');
  const after = await startEmulator({ ...options, webhookRetryDelaysMs: [] });
  await eventually(records).toContain('"webhookDone":true');
  await after.stop();
});
