/**
 * The lint rules that keep the layers apart, each shown to fire: small wrong programs are laid out
 * like the project, linted once with the project's own configuration, and every one of them must be
 * reported by the rule meant for it. Right programs beside them must pass.
 */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

interface Program {
  readonly file: string;
  readonly source: string;
}

interface WrongProgram extends Program {
  readonly claim: string;
  readonly rule: string;
}

interface Finding {
  readonly code: string;
  readonly filename: string;
}

const imports = "eslint(no-restricted-imports)";
const globals = "eslint(no-restricted-globals)";
const properties = "eslint(no-restricted-properties)";
const reason = "overrules(assertion-reason)";
const directive = "overrules(directive-reason)";
const compiler = "src/machines/compiler.ts";

const importing = (specifier: string): string =>
  `import { thing } from "${specifier}";\nexport const copy = thing;\n`;

const wrong: ReadonlyArray<WrongProgram> = [
  {
    claim: "steps does not import machines",
    file: "src/steps/uses-machines.ts",
    source: importing("../machines/thing.ts"),
    rule: imports,
  },
  {
    claim: "steps does not import machines from a folder below",
    file: "src/steps/adapters/uses-machines.ts",
    source: importing("../../machines/thing.ts"),
    rule: imports,
  },
  {
    claim: "steps does not import the types of machines",
    file: "src/steps/uses-machine-types.ts",
    source: `import type { Thing } from "../machines/thing.ts";\nexport type Copy = Thing;\n`,
    rule: imports,
  },
  {
    claim: "steps does not re-export machines",
    file: "src/steps/exports-machines.ts",
    source: `export { thing } from "../machines/thing.ts";\n`,
    rule: imports,
  },
  {
    claim: "steps does not import runtime",
    file: "src/steps/uses-runtime.ts",
    source: importing("../runtime/thing.ts"),
    rule: imports,
  },
  {
    claim: "steps does not import xstate",
    file: "src/steps/uses-xstate.ts",
    source: `import { assign } from "xstate";\nexport const copy = assign;\n`,
    rule: imports,
  },
  {
    claim: "machines does not import runtime",
    file: "src/machines/uses-runtime.ts",
    source: importing("../runtime/thing.ts"),
    rule: imports,
  },
  {
    claim: "the compiler does not import runtime either",
    file: compiler,
    source: `import { setup } from "xstate";\nexport const base = setup({});\n${importing("../runtime/thing.ts")}`,
    rule: imports,
  },
  {
    claim: "machines does not import node modules",
    file: "src/machines/uses-node.ts",
    source: `import { readFileSync } from "node:fs";\nexport const read = readFileSync;\n`,
    rule: imports,
  },
  {
    claim: "machines does not import node modules by their bare name",
    file: "src/machines/uses-bare-node.ts",
    source: `import { readFileSync } from "fs";\nexport const read = readFileSync;\n`,
    rule: "unicorn(prefer-node-protocol)",
  },
  {
    claim: "machines does not read the clock",
    file: "src/machines/reads-clock.ts",
    source: "export const now = (): number => Date.now();\n",
    rule: globals,
  },
  {
    claim: "machines does not make dates",
    file: "src/machines/makes-dates.ts",
    source: "export const now = () => new Date();\n",
    rule: globals,
  },
  {
    claim: "machines does not throw dice",
    file: "src/machines/throws-dice.ts",
    source: "export const chance = (): number => Math.random();\n",
    rule: properties,
  },
  {
    claim: "machines does not take Effect's Clock or Random",
    file: "src/machines/uses-effect-clock.ts",
    source: `import { Clock } from "effect";\nexport const now = Clock.currentTimeMillis;\n`,
    rule: imports,
  },
  {
    claim: "machines sets no timer",
    file: "src/machines/sets-timer.ts",
    source: "export const wait = (run: () => void) => setTimeout(run, 1);\n",
    rule: globals,
  },
  {
    claim: "only the compiler builds XState configs",
    file: "src/machines/builds-config.ts",
    source: `import { setup } from "xstate";\nexport const base = setup({});\n`,
    rule: imports,
  },
  {
    claim: "runtime does not import xstate outside the inspection",
    file: "src/runtime/uses-xstate.ts",
    source: `import { createActor } from "xstate";\nexport const copy = createActor;\n`,
    rule: imports,
  },
  {
    claim: "the inspection builds no XState config",
    file: "src/runtime/inspection-config.ts",
    source: `import { createMachine } from "xstate";\nexport const copy = createMachine;\n`,
    rule: imports,
  },
  {
    claim: "src does not import the emulator",
    file: "src/runtime/uses-emulator.ts",
    source: importing("../../emulator/src/thing.ts"),
    rule: imports,
  },
  {
    claim: "src does not import tests",
    file: "src/runtime/uses-test.ts",
    source: importing("../../test/thing.ts"),
    rule: imports,
  },
  {
    claim: "no layer imports the public index",
    file: "src/runtime/uses-index.ts",
    source: importing("../index.ts"),
    rule: imports,
  },
  {
    claim: "process is for the CLI only",
    file: "src/runtime/reads-environment.ts",
    source: "export const home = () => process.env.HOME;\n",
    rule: globals,
  },
  {
    claim: "process is not reached through globalThis",
    file: "src/runtime/reads-global-environment.ts",
    source: "export const home = () => globalThis.process.env.HOME;\n",
    rule: properties,
  },
  {
    claim: "process is not imported",
    file: "src/runtime/imports-process.ts",
    source: `import process from "node:process";\nexport const home = () => process.env.HOME;\n`,
    rule: imports,
  },
  {
    claim: "console is for the CLI only",
    file: "src/runtime/prints.ts",
    source: `export const greet = () => console.log("hello");\n`,
    rule: "eslint(no-console)",
  },
  {
    claim: "the old schema package stays out, tests included",
    file: "test/old-schema.ts",
    source: `import { Schema } from "@effect/schema";\nexport const copy = Schema;\n`,
    rule: imports,
  },
  {
    claim: "type imports count as cycles",
    file: "src/steps/cycle-one.ts",
    source: `import type { Two } from "./cycle-two.ts";\nexport interface One {\n  readonly two: Two;\n}\n`,
    rule: "import(no-cycle)",
  },
  {
    claim: "a promise is not left alone",
    file: "src/runtime/floats.ts",
    source: "const work = async () => 1;\nexport const start = () => {\n  work();\n};\n",
    rule: "typescript(no-floating-promises)",
  },
  {
    claim: "an assertion needs a reason",
    file: "src/steps/asserts.ts",
    source: "export const read = (value: unknown) => value as string;\n",
    rule: reason,
  },
  {
    claim: "a compiler directive is no reason",
    file: "src/steps/asserts-under-directive.ts",
    source:
      "// @ts-expect-error the type is wrong\nexport const read = (value: unknown) => value as Missing;\n",
    rule: reason,
  },
  {
    claim: "any is forbidden",
    file: "src/steps/any-type.ts",
    source: "export type Loose = any;\n",
    rule: "typescript(no-explicit-any)",
  },
  {
    claim: "any with a bare directive is still reported",
    file: "src/steps/any-without-reason.ts",
    source: "// oxlint-disable-next-line typescript/no-explicit-any\nexport type Loose = any;\n",
    rule: directive,
  },
  {
    claim: "a non-null assertion is forbidden",
    file: "src/steps/non-null.ts",
    source: "export const size = (text: string | undefined) => text!.length;\n",
    rule: "typescript(no-non-null-assertion)",
  },
  {
    claim: "@ts-ignore is forbidden",
    file: "src/steps/ignores.ts",
    source: "// @ts-ignore because I say so\nexport const one: string = 1;\n",
    rule: "typescript(ban-ts-comment)",
  },
];

const right: ReadonlyArray<Program> = [
  { file: "src/steps/thing.ts", source: "export const thing = 1;\n" },
  { file: "src/machines/uses-steps.ts", source: importing("../steps/thing.ts") },
  { file: "src/runtime/uses-machines.ts", source: importing("../machines/thing.ts") },
  {
    file: "src/machines/fold.ts",
    source: `import { transition, type AnyStateMachine } from "xstate";\nexport const fold = transition;\nexport type Machine = AnyStateMachine;\n`,
  },
  {
    file: "src/machines/config-types.ts",
    source: `import type { StateMachine } from "xstate";\nexport type Machine = StateMachine.States;\n`,
  },
  {
    file: "src/runtime/inspection.ts",
    source: `import { createActor } from "xstate";\nexport const copy = createActor;\n`,
  },
  {
    file: "src/runtime/cli/main.ts",
    source: "export const greet = () => console.log(process.env.HOME);\n",
  },
  {
    file: "src/steps/overrules.ts",
    source: [
      `export const names = ["a"] as const;`,
      "// The provider's page promises text here.",
      "export const read = (value: unknown) => value as string;",
      "// oxlint-disable-next-line typescript/no-explicit-any -- the library's own signature",
      "export type Loose = any;",
      "",
    ].join("\n"),
  },
  { file: "test/prints.ts", source: "console.log(process.pid, Date.now());\n" },
];

/** Files the programs above import; they are linted too, and nothing is asked of them. */
const targets: ReadonlyArray<Program> = [
  {
    file: "src/machines/thing.ts",
    source: "export const thing = 1;\nexport type Thing = number;\n",
  },
  { file: "src/runtime/thing.ts", source: "export const thing = 1;\n" },
  { file: "src/index.ts", source: "export const thing = 1;\n" },
  { file: "emulator/src/thing.ts", source: "export const thing = 1;\n" },
  { file: "test/thing.ts", source: "export const thing = 1;\n" },
  {
    file: "src/steps/cycle-two.ts",
    source: `import type { One } from "./cycle-one.ts";\nexport interface Two {\n  readonly one: One;\n}\n`,
  },
];

const project = join(import.meta.dirname, "../..");

const layOut = async (root: string): Promise<void> => {
  for (const path of [".oxlintrc.json", "tsconfig.json", "package.json", "scripts/overrules.ts"]) {
    await cp(join(project, path), join(root, path));
  }
  await symlink(join(project, "node_modules"), join(root, "node_modules"));
  for (const { file, source } of [...wrong, ...right, ...targets]) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), source);
  }
};

const lint = (root: string): Promise<ReadonlyArray<Finding>> =>
  new Promise((resolve, reject) => {
    const oxlint = join(project, "node_modules/oxlint/bin/oxlint");
    const args = [oxlint, "--format=json", "src", "test"];
    execFile(process.execPath, args, { cwd: root, maxBuffer: 2 ** 24 }, (_, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout).diagnostics);
      } catch {
        reject(new Error(`oxlint gave no report: ${stdout}${stderr}`));
      }
    });
  });

describe("layer rules", () => {
  let root = "";
  let findings: ReadonlyArray<Finding> = [];

  const rulesAgainst = (file: string): ReadonlyArray<string> =>
    findings.filter((finding) => finding.filename === file).map((finding) => finding.code);

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "layer-rules-"));
    await layOut(root);
    findings = await lint(root);
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  test.each(wrong)("$claim", ({ file, rule }) => {
    expect(rulesAgainst(file)).toContain(rule);
  });

  test("the compiler builds XState configs, and only its import of runtime is reported", () => {
    expect(rulesAgainst(compiler)).toEqual([imports]);
  });

  test.each(right)("$file is allowed", ({ file }) => {
    expect(rulesAgainst(file)).toEqual([]);
  });
});
