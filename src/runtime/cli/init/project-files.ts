/** The files of a new project: a config, a pipeline of a model and a function, a test of every path through it. */

export interface NewProject {
  /** A package's name. */
  readonly name: string;
  readonly version: string;
  readonly engines: string;
  /** Ranges of what a project needs beside Catena. */
  readonly peers: Readonly<Record<string, string>>;
}

/** Path to content. */
export const projectFiles = (project: NewProject): Readonly<Record<string, string>> => ({
  "package.json": manifestOf(project),
  "catena.config.ts": config,
  "pipelines/headline.ts": pipeline,
  "test/headline.test.ts": test,
  "brief.json": brief,
  "tsconfig.json": tsconfig,
  ".gitignore": gitignore,
});

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

const manifestOf = ({ name, version, engines, peers }: NewProject): string =>
  json({
    name,
    version: "0.1.0",
    private: true,
    type: "module",
    engines: { node: engines },
    scripts: {
      dev: "catena dev",
      check: "catena check",
      test: 'node --test "test/**/*.test.ts"',
      types: "tsc",
    },
    dependencies: { "catena-ai": `^${version}`, ...peers },
    // Of the same version: both are published together.
    devDependencies: {
      "@types/node": "^24.0.0",
      "catena-emulator": `^${version}`,
      typescript: "^7.0.2",
    },
  });

const config = `import { Catena } from "catena-ai";
import { headline } from "./pipelines/headline.ts";

// What Catena.start takes. The models of Replicate need no client here: the catena command makes one from
// REPLICATE_API_TOKEN, and catena dev starts an emulator where there is no token.
export default Catena.config({
  pipelines: [headline],
  store: "catena.db",
});
`;

const pipeline = `import { Schema } from "effect";
import { Pipeline, Step } from "catena-ai";

export const Brief = Schema.Struct({
  product: Schema.NonEmptyString,
  audience: Schema.NonEmptyString,
  value: Schema.NonEmptyString,
});

const Concept = Schema.Struct({
  headline: Schema.NonEmptyString,
  visual_direction: Schema.NonEmptyString,
  tone: Schema.NonEmptyString,
});

const concept = Step.model("concept", {
  input: Brief,
  output: Concept,
  model: "meta/meta-llama-3-8b-instruct",
  request: ({ product, audience, value }) => ({
    prompt: [
      "Write a campaign concept as one JSON object with the text fields headline, visual_direction and tone.",
      \`Product: \${product}\`,
      \`Audience: \${audience}\`,
      \`Value proposition: \${value}\`,
    ].join("\\n"),
    max_tokens: 256,
  }),
  timeout: "60 seconds",
  repair: 2, // an answer that does not fit is asked for again, with what was wrong
});

const polish = Step.make("polish", {
  input: Schema.String,
  output: Schema.String,
  run: (text) => text.trim().replace(/[.!]*$/, "."),
});

export const headline = Pipeline.make("headline", { version: 1, input: Brief })
  .step(concept)
  .step(polish, ({ outputs }) => outputs.concept.headline)
  .output(Schema.Struct({ headline: Schema.String, tone: Schema.String }), ({ outputs }) => ({
    headline: outputs.polish,
    tone: outputs.concept.tone,
  }));
`;

const test = `import assert from "node:assert/strict";
import { test } from "node:test";
import { paths, testCatena } from "catena-ai/testing";
import { headline } from "../pipelines/headline.ts";

const brief = { product: "a trail bottle", audience: "night runners", value: "cold for a day" };

test("a brief becomes a headline", async (t) => {
  const concept = { headline: " Cold to the last mile! ", visual_direction: "dawn", tone: "calm" };
  const catena = await testCatena({ pipelines: [headline], answers: { concept } });
  t.after(() => catena[Symbol.asyncDispose]());
  const { outcome } = await catena.run(headline, brief);
  assert.deepEqual(outcome, {
    status: "complete",
    output: { headline: "Cold to the last mile.", tone: "calm" },
  });
});

// Every way each step can end, with cancel, pause and crash in every order, in virtual time.
const suite = paths(headline);
for (const path of suite) test(path.name, () => path.run());
`;

const brief = json({
  product: "Velora trail bottle",
  audience: "trail runners",
  value: "keeps water cold for 24 hours",
});

const tsconfig = json({
  compilerOptions: {
    target: "es2024",
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
  },
  exclude: ["node_modules"],
});

const gitignore = ["node_modules/", ".catena/", "*.db", "*.db-*", ""].join("\n");
