/** A user's project in a folder of its own, gone when the test is over. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const catena = JSON.stringify(join(root, "src/index.ts"));

/** Makes the folder and answers it; in the files `catena-ai` is this source. */
export const projectWith = async (files: Readonly<Record<string, string>>): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-cli-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  for (const [path, content] of Object.entries(files)) await put(folder, path, content);
  return folder;
};

/** Writes a file of the project. */
export const put = async (folder: string, path: string, content: string): Promise<void> => {
  await mkdir(dirname(join(folder, path)), { recursive: true });
  await writeFile(join(folder, path), content.replaceAll('"catena-ai"', catena));
};

/** A folder with nothing in it. */
export const emptyFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "catena-cli-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

/**
 * A poster in three steps: a model writes a concept, `check` has a bug for the headline "boom", `gate`
 * waits, where the input says so, until the file that it names is there; in a process of its own it prints.
 */
export const posterConfig = `
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Schema } from "effect";
import { Functions, Pipeline, Step } from "catena-ai";

const Brief = Schema.Struct({ product: Schema.NonEmptyString, gate: Schema.optionalKey(Schema.String) });
const Concept = Schema.Struct({ headline: Schema.String, scene: Schema.String });

const concept = Step.model("concept", {
  input: Brief,
  output: Concept,
  model: "acme/writer",
  request: ({ product }) => ({ prompt: product }),
});
const check = Step.make("check", {
  input: Concept,
  output: Schema.String,
  run: ({ headline }) => {
    if (headline === "boom") throw new TypeError("cannot read the headline");
    return headline + "!";
  },
});
const gate = Step.make("gate", {
  input: Schema.Struct({ text: Schema.String, file: Schema.optionalKey(Schema.String) }),
  output: Schema.String,
  run: async ({ text, file }, { signal }) => {
    if (process.env.STEPS_PRINT) console.log("a step prints this");
    while (file !== undefined && !existsSync(file)) await pause(20, undefined, { signal });
    return text;
  },
});
const poster = Pipeline.make("poster", { version: 1, input: Brief })
  .step(concept)
  .step(check)
  .step(gate, ({ input, last }) =>
    input.gate === undefined ? { text: last } : { text: last, file: input.gate })
  .output(Schema.Struct({ headline: Schema.String }), ({ last }) => ({ headline: last }));

const write = ({ prompt }) =>
  JSON.stringify(prompt === "bad" ? { headline: 5, scene: null } : { headline: prompt, scene: "dawn" });
export default {
  pipelines: [poster],
  models: Functions.client({ models: { "acme/writer": { run: write } } }),
  pollEvery: "20 millis",
  lookEvery: "20 millis",
};
`;
