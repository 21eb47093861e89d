/** The command line of the demo, decoded: what to do, or one sentence about what is wrong with it. */
import { parseArgs } from "node:util";
import type { Brief } from "../campaign.ts";
import { type KillPoint, parseKillPoint } from "./kill-point.ts";

/** The command line or the environment asks for something that cannot be; the message names it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Command =
  | { readonly type: "help" }
  | { readonly type: "journal"; readonly jobId: string | null }
  | { readonly type: "retry"; readonly jobId: string }
  | { readonly type: "run"; readonly brief: Brief | null; readonly killPoint: KillPoint | null };

export interface DemoArguments {
  readonly command: Command;
  /** Where database, pictures and the emulator's state are. Default: `CATENA_DEMO_DIR`, else `.catena`. */
  readonly folder: string;
  readonly emulatorModels: "real" | "instant";
}

export const help = `
npm run demo                          the example brief; an unfinished job is resumed instead
npm run demo -- --product_name "…" --audience "…" --value_prop "…"
                                      another brief; all three are needed
npm run demo -- --kill-after image:sent
                                      kills itself with SIGKILL there; the next run finishes the job
                                      concept, prompt, image, check: intended, sent, accepted, settled, committed
                                      store: started, committed
npm run demo -- --journal [--job ID]  the entries of the last job, or of that one
npm run demo -- --retry ID            goes on with a failed job at the step that failed
  --dir FOLDER                        where everything is kept; default .catena, or CATENA_DEMO_DIR
  --emulator-models real|instant      the emulator's toy models, or canned answers; default real

With REPLICATE_API_TOKEN (and REPLICATE_BASE_URL for a compatible server) the chain runs there and is paid there.
`;

const briefFields = ["product_name", "audience", "value_prop"] as const;

const options = {
  product_name: { type: "string" },
  audience: { type: "string" },
  value_prop: { type: "string" },
  "kill-after": { type: "string" },
  journal: { type: "boolean" },
  job: { type: "string" },
  retry: { type: "string" },
  dir: { type: "string" },
  "emulator-models": { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Throws UsageError. */
export const readArguments = (
  words: ReadonlyArray<string>,
  environment: NodeJS.ProcessEnv,
): DemoArguments => {
  const values = parsed(words);
  refuseMixed(values);
  const models = values["emulator-models"] ?? "real";
  if (models !== "real" && models !== "instant")
    throw new UsageError(`--emulator-models is real or instant, got "${models}"`);
  const folder = values.dir ?? environment["CATENA_DEMO_DIR"] ?? ".catena";
  if (folder === "") throw new UsageError("--dir needs a folder, got an empty name");
  return { command: commandOf(values), folder, emulatorModels: models };
};

type Values = ReturnType<typeof parsed>;

const parsed = (words: ReadonlyArray<string>) => {
  try {
    const given = parseArgs({
      args: [...words],
      options,
      strict: true,
      allowPositionals: false,
      tokens: true,
    });
    const names = given.tokens.flatMap((token) => (token.kind === "option" ? [token.name] : []));
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new Error(`--${twice} is given twice`);
    return given.values;
  } catch (error) {
    const sentence = error instanceof Error ? error.message.split(". ")[0] : String(error);
    throw new UsageError(`${sentence}. Options stand behind "npm run demo --"; see --help.`);
  }
};

/** What only a run of a job has a use for would be forgotten in silence beside another command. */
const refuseMixed = (values: Values): void => {
  const command = (["journal", "retry"] as const).find((name) => values[name] !== undefined);
  const other = (["kill-after", "retry", ...briefFields] as const).find(
    (name) => values[name] !== undefined && name !== command,
  );
  if (command !== undefined && other !== undefined)
    throw new UsageError(`--${other} means nothing beside --${command}: leave one of them out`);
};

const commandOf = (values: Values): Command => {
  if (values.help === true) return { type: "help" };
  if (values.journal === true) return { type: "journal", jobId: values.job ?? null };
  if (values.job !== undefined) throw new UsageError("--job says whose --journal to show");
  if (values.retry !== undefined) return { type: "retry", jobId: values.retry };
  const killAfter = values["kill-after"];
  const killPoint = killAfter === undefined ? null : parseKillPoint(killAfter);
  if (typeof killPoint === "string") throw new UsageError(killPoint);
  return { type: "run", brief: briefOf(values), killPoint };
};

const briefOf = (values: Values): Brief | null => {
  const given = briefFields.filter((field) => values[field] !== undefined);
  if (given.length === 0) return null;
  const empty = briefFields.filter((field) => (values[field] ?? "").trim() === "");
  if (empty.length > 0) {
    const names = empty.map((field) => `--${field}`).join(", ");
    throw new UsageError(`a brief needs all of its fields: ${names} is missing or empty`);
  }
  const { product_name = "", audience = "", value_prop = "" } = values;
  return { product_name, audience, value_prop };
};
