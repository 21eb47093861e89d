/** What each command prints and answers, in a project whose models are functions. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { emptyFolder, posterConfig, projectWith, put } from "./support/project.ts";
import { catena, jsonOf } from "./support/in-process.ts";

const posters = () => projectWith({ "catena.config.ts": posterConfig });

/** The id of the only, or newest, job of the project. */
const newestJob = async (folder: string): Promise<string> => {
  const listed = jsonOf(await catena(folder, ["jobs", "--json"]));
  const [first]: ReadonlyArray<unknown> = Array.isArray(listed) ? listed : [];
  const isJob = typeof first === "object" && first !== null && "jobId" in first;
  return isJob ? String(first.jobId) : "no job";
};

const inOneLine = (text: string): string => text.replace(/\s+/g, " ");

const longestLine = (text: string): number =>
  Math.max(...text.split("\n").map((line) => line.length));

describe("run", () => {
  test("prints the output, and a line for each entry beside it", async () => {
    const folder = await posters();
    const said = await catena(folder, ["run", "poster", "--set", "product=bottle"]);
    expect(said.code).toBe(0);
    expect(jsonOf(said)).toEqual({ headline: "bottle!" });
    expect(said.err).toMatch(/^Job [0-9a-f-]{36}\n/);
    expect(said.err).toMatch(/\n +\+.* concept +asks acme\/writer\n/);
    expect(said.err).toMatch(/ gate +done at attempt 1\n/);
    expect(longestLine(said.err)).toBeLessThanOrEqual(80);
  });

  test("takes a file, sets fields over it, and says the same as one JSON document", async () => {
    const folder = await posters();
    await put(folder, "brief.json", '{ "product": "cup" }');
    const words = ["run", "poster@1", "brief.json", "--set", "product=mug", "--json"];
    const said = await catena(folder, words);
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(jsonOf(said)).toMatchObject({ status: "complete", output: { headline: "mug!" } });
  });

  test("with a key is the same job again, whatever the input", async () => {
    const folder = await posters();
    const first = await catena(folder, ["run", "poster", "--set", "product=a", "--key", "k"]);
    const second = await catena(folder, ["run", "poster", "--set", "product=b", "--key", "k"]);
    expect(jsonOf(first)).toEqual(jsonOf(second));
    expect(second.err).toContain("has this key already");
    expect(jsonOf(await catena(folder, ["jobs", "--json"]))).toHaveLength(1);
  });

  test("does not wait for a job of that key that no longer fits its pipeline", async () => {
    const folder = await posters();
    await catena(folder, ["run", "poster", "--set", "product=bad", "--key", "k"]);
    const moved = posterConfig.replace(".step(concept)", '.step(concept.as("idea"))');
    await put(folder, "moved.config.ts", moved);
    const words = ["run", "poster", "--set", "product=x", "--key", "k"];
    const said = await catena(folder, [...words, "--config", "moved.config.ts"]);
    expect([said.code, inOneLine(said.err)]).toEqual([
      2,
      expect.stringContaining("its journal fits no pipeline of this process"),
    ]);
  });

  test("--only runs one step alone, on its own input, as a job of its own", async () => {
    const folder = await posters();
    const said = await catena(folder, [
      "run",
      "poster",
      "--only",
      "check",
      "--set",
      "headline=hi",
      "--set",
      "scene=x",
    ]);
    expect([said.code, said.out]).toEqual([0, '"hi!"\n']);
    expect(await catena(folder, ["jobs"])).toMatchObject({
      out: expect.stringContaining("poster(check)"),
    });
    const unknown = await catena(folder, ["run", "poster", "--only", "paint", "--set", "a=1"]);
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain('no step "paint"; it has concept, check, gate');
  });

  test("runs one of several pipelines whose jobs are told to different subscriptions", async () => {
    const folder = await posters();
    const told = `import { Schema } from "effect";
      import { Notify, Pipeline, Step } from "catena-ai";
      import posters from "./catena.config.ts";
      const loud = Step.make("loud", { input: Schema.String, output: Schema.String, run: (text) => text });
      const other = Pipeline.make("other", { version: 1, input: Schema.String })
        .step(loud)
        .output(Schema.String, ({ last }) => last);
      const channel = Notify.memory();
      export default {
        ...posters,
        pipelines: [...posters.pipelines, other],
        notifications: {
          all: { channel },
          both: { channel, pipelines: ["poster", "other"] },
          one: { channel, pipelines: ["other"] },
        },
      };`;
    await put(folder, "told.config.ts", told);
    const of = ["--config", "told.config.ts", "--set", "product=bottle"];
    expect(await catena(folder, ["run", "poster", ...of])).toMatchObject({ code: 0 });
    const waits = await catena(folder, ["run", "poster", ...of, "--detach"]);
    const resumed = ["resume", waits.out.trim(), "--wait", "--config", "told.config.ts"];
    expect(await catena(folder, resumed)).toMatchObject({ code: 0 });
    await put(folder, "wrong.config.ts", told.replace('["other"]', '["othr"]'));
    const words = ["run", "poster", "--config", "wrong.config.ts", "--set", "product=bottle"];
    const wrong = await catena(folder, words);
    expect([wrong.code, inOneLine(wrong.err)]).toEqual([2, expect.stringContaining('"othr"')]);
  });

  test("--detach leaves the job to others", async () => {
    const folder = await posters();
    const said = await catena(folder, ["run", "poster", "--set", "product=x", "--detach"]);
    expect(said.code).toBe(0);
    expect(said.out.trim()).toBe(await newestJob(folder));
    expect(jsonOf(await catena(folder, ["jobs", "--json"]))).toMatchObject([{ status: "pending" }]);
    const resumed = await catena(folder, ["resume", said.out.trim(), "--wait"]);
    expect(jsonOf(resumed)).toEqual({ headline: "x!" });
    expect(await catena(folder, ["resume", said.out.trim(), "--wait"])).toMatchObject({
      code: 0,
      out: resumed.out,
    });
    expect((await catena(folder, ["resume", said.out.trim()])).code).toBe(2);
  });

  test.each([
    [["run", "poster"], "an input is needed"],
    [["run", "poster", "gone.json"], "gone.json cannot be read"],
    [["run", "poster", "--set", "product"], "Expected --set field=value"],
    [["run", "poster", "--set", "product.name=x"], "product: Expected string"],
    [["run", "poster", "--set", "prodct=x"], "product: Missing key"],
    [["run", "poster", "--set", "product=x", "--set", "tnoe=calm"], "tnoe: Expected no excess"],
    [["run", "poster", "--set", "product="], 'got ""'],
    [["run", "poster@2", "--set", "product=x"], 'no pipeline "poster@2"; the config has poster@1'],
    [["run", "poster", "--set", "product=x", "--key", ""], "key"],
    [["run"], "Missing required argument: pipeline"],
    [["run", "poster", "--sett", "a=1"], "sett"],
    [["runn"], "runn"],
    [["run", "poster", "--set", "product=x", "--detach", "--store", ":memory:"], "name a file"],
    [["jobs", "--status", "done"], "status"],
    [["emulator", "--port", "99999"], "--port"],
    [["jobs", "--limit", "0"], "Expected --limit above 0"],
    [["jobs", "--store", "gone.db"], "There is no store"],
    [["jobs", "--store", ":memory:"], "The store is in memory"],
    [["check", "--config", "gone.ts"], "There is no config"],
  ])("%j is wrong use, and says what", async (words, sentence) => {
    const folder = await posters();
    const said = await catena(folder, words);
    expect(inOneLine(said.err)).toContain(sentence);
    expect([said.code, said.out]).toEqual([2, ""]);
    expect(longestLine(said.err.replaceAll(folder, ""))).toBeLessThanOrEqual(80);
    const asJson = await catena(folder, [...words, "--json"]);
    expect(asJson.code).toBe(2);
    expect(JSON.parse(asJson.err)).toMatchObject({ error: { kind: "usage" } });
  });
});

describe("a job that failed", () => {
  test("is shown with path, expected, received, the answer and the command that resumes it", async () => {
    const folder = await posters();
    const failed = await catena(folder, ["run", "poster", "--set", "product=bad"]);
    expect([failed.code, failed.out]).toEqual([1, ""]);
    const id = await newestJob(folder);
    const shown = await catena(folder, ["show", id]);
    expect(shown.code).toBe(0);
    for (const line of [
      /^Failed at concept$/m,
      /^ +kind +validation$/m,
      /^ +path +headline$/m,
      /^ +expected +string$/m,
      /^ +received +5$/m,
      /^ +received +null$/m,
      /^ +answer +\| \{"headline":5,"scene":null\}$/m,
      /^ +cost +\$0$/m,
      new RegExp(`^ +resume +catena retry ${id} --wait$`, "m"),
    ]) {
      expect(shown.out).toMatch(line);
      if (!String(line).includes("answer")) expect(failed.err + shown.out).toMatch(line);
    }
    expect(longestLine(shown.out)).toBeLessThanOrEqual(80);
    expect(jsonOf(await catena(folder, ["show", id, "--json"]))).toMatchObject({
      job: { jobId: id, status: "failed" },
      input: { product: "bad" },
      failure: {
        kind: "validation",
        issues: [
          { path: "headline", expected: "string", received: "5" },
          { path: "scene", expected: "string", received: "null" },
        ],
        answer: '{"headline":5,"scene":null}',
      },
      next: `catena retry ${id} --wait`,
    });
  });

  test("of a bug is shown with the line in the user's code, and goes on once it is mended", async () => {
    const folder = await posters();
    const failed = await catena(folder, ["run", "poster", "--set", "product=boom"]);
    expect(failed.code).toBe(1);
    const id = await newestJob(folder);
    const shown = await catena(folder, ["show", id]);
    expect(shown.out).toMatch(/^ +what +TypeError: cannot read the headline$/m);
    expect(shown.out).toMatch(/catena\.config\.ts:\d+:\d+\)/);
    const kept = await catena(folder, ["retry", id]);
    expect(kept).toMatchObject({ code: 0, err: "" });
    expect(kept.out).toContain(`catena retry ${id} --wait`);
    await put(folder, "mended.config.ts", posterConfig.replace('"boom"', '"bang"'));
    const words = ["retry", id, "--wait", "--config", "mended.config.ts"];
    const mended = await catena(folder, words);
    expect([mended.code, jsonOf(mended)]).toEqual([0, { headline: "boom!" }]);
    const asked = (await catena(folder, ["show", id, "--json"])).out.match(/"PredictionIntended"/g);
    expect(asked).toHaveLength(1);
  });

  test("in memory is gone with its process, and no command pretends otherwise", async () => {
    const folder = await posters();
    const words = ["run", "poster", "--set", "product=bad", "--store", ":memory:"];
    const failed = await catena(folder, words);
    expect(failed.code).toBe(1);
    expect(failed.err).toContain("Failed at concept");
    expect(failed.err).not.toContain("catena retry");
  });

  test("of a pipeline that the config has not is not asked for what it could not do", async () => {
    const folder = await posters();
    await catena(folder, ["run", "poster", "--set", "product=bad"]);
    const id = await newestJob(folder);
    await put(folder, "other.config.ts", posterConfig.replace("version: 1", "version: 2"));
    const said = await catena(folder, ["retry", id, "--wait", "--config", "other.config.ts"]);
    expect([said.code, inOneLine(said.err)]).toEqual([
      2,
      expect.stringContaining("of the pipeline poster@1, which the config does not have"),
    ]);
    const moved = posterConfig.replace(".step(concept)", '.step(concept.as("idea"))');
    await put(folder, "moved.config.ts", moved);
    const unfit = await catena(folder, ["retry", id, "--wait", "--config", "moved.config.ts"]);
    expect([unfit.code, inOneLine(unfit.err)]).toEqual([
      2,
      expect.stringContaining("began when poster@1 had other steps"),
    ]);
    const resumed = await catena(folder, ["resume", id, "--wait"]);
    expect([resumed.code, resumed.err]).toEqual([1, expect.stringContaining("Failed at concept")]);
    expect(resumed.err).not.toContain("retry asked for");
  });

  test("can be cancelled, and has no use for what does not fit its state", async () => {
    const folder = await posters();
    await catena(folder, ["run", "poster", "--set", "product=bad"]);
    const id = await newestJob(folder);
    expect(await catena(folder, ["pause", id])).toMatchObject({
      code: 2,
      err: expect.stringContaining("it is failed, there is"),
    });
    expect((await catena(folder, ["cancel", id, "--wait"])).code).toBe(1);
    expect(jsonOf(await catena(folder, ["jobs", "--json"]))).toMatchObject([
      { status: "cancelled" },
    ]);
    expect((await catena(folder, ["retry", id])).code).toBe(2);
    const unknown = await catena(folder, ["show", "nobody"]);
    expect([unknown.code, unknown.err]).toEqual([
      2,
      "catena: Job nobody: this store has no such job\n",
    ]);
    const signalled = await catena(folder, ["signal", id, "approved", "{}"]);
    expect([signalled.code, signalled.err.replace(/\s+/g, " ")]).toEqual([
      2,
      expect.stringContaining('poster@1 has no signal "approved"; it has none'),
    ]);
  });
});

describe("jobs", () => {
  test("fit 80 columns, newest first, and can be picked", async () => {
    const folder = await posters();
    await catena(folder, ["run", "poster", "--set", "product=one"]);
    await catena(folder, ["run", "poster", "--set", "product=bad"]);
    const listed = await catena(folder, ["jobs"]);
    const [head, first, second] = listed.out.split("\n");
    expect(head).toMatch(/^JOB +STATUS +AT +AGE +COST$/);
    expect(first).toMatch(/^[0-9a-f-]{36} {2}failed +poster\/concept /);
    expect(second).toMatch(/^[0-9a-f-]{36} {2}complete +poster /);
    expect(longestLine(listed.out)).toBeLessThanOrEqual(80);
    const failed = await catena(folder, ["jobs", "--status", "failed", "--limit", "1", "--json"]);
    expect(jsonOf(failed)).toMatchObject([{ status: "failed", pipeline: "poster" }]);
    expect(jsonOf(await catena(folder, ["jobs", "--pipeline", "other", "--json"]))).toEqual([]);
  });

  test("of a store that the environment names need no config", async () => {
    const folder = await posters();
    await catena(folder, ["run", "poster", "--set", "product=x"]);
    const elsewhere = await emptyFolder();
    const environment = { CATENA_STORE: join(folder, "catena.db") };
    expect(jsonOf(await catena(elsewhere, ["jobs", "--json"], environment))).toHaveLength(1);
  });
});

describe("erase", () => {
  test("takes a resting job's content, leaves its status, and refuses what it cannot", async () => {
    const folder = await projectWith({ "catena.config.ts": posterConfig });
    const run = ["run", "poster", "--set", "product=canary-7"];
    const { jobId } = JSON.parse((await catena(folder, [...run, "--json"])).out);
    expect((await catena(folder, ["show", jobId])).out).toContain("canary-7");
    const said = await catena(folder, ["erase", jobId]);
    expect(said).toMatchObject({ code: 0, err: "" });
    expect(said.out).toMatch(/^Erased job \S+: \d+ bytes of its journal, 1 raw answers among/);
    const shown = await catena(folder, ["show", jobId, "--json"]);
    expect(shown.out).not.toContain("canary-7");
    expect(jsonOf(shown)).toMatchObject({ job: { status: "complete" } });
    expect(jsonOf(await catena(folder, ["erase", jobId, "--json"]))).toMatchObject({ bytes: 0 });
    const waiting = (await catena(folder, [...run, "--detach"])).out.trim();
    const refused = await catena(folder, ["erase", waiting]);
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain("cancel it first");
    expect((await catena(folder, ["erase", "nobody"])).err).toContain("no such job");
  });
});

describe("prune", () => {
  test("takes what is older than the ages of the config, once it has been counted", async () => {
    const young = posterConfig.replace("pipelines:", 'retention: { jobs: "1 hour" }, pipelines:');
    const old = posterConfig.replace("pipelines:", 'retention: { jobs: "1 millis" }, pipelines:');
    const folder = await projectWith({ "catena.config.ts": young, "old.config.ts": old });
    await catena(folder, ["run", "poster", "--set", "product=x"]);
    const kept = await catena(folder, ["prune", "--json"]);
    expect(jsonOf(kept)).toMatchObject({ isDryRun: false, jobs: { ageMs: 3_600_000, count: 0 } });
    const counted = await catena(folder, ["prune", "--dry-run", "--config", "old.config.ts"]);
    expect(counted.out).toMatch(/^WOULD GO +OLDER THAN +NUMBER +BYTES$/m);
    expect(counted.out).toMatch(/^jobs +1 ms +1 +\d+$/m);
    expect(counted.out).toMatch(/^assets +kept for ever +0 +0$/m);
    const gone = await catena(folder, ["prune", "--config", "old.config.ts", "--json"]);
    expect(jsonOf(gone)).toMatchObject({ isDryRun: false, jobs: { count: 1 } });
    const id = await newestJob(folder);
    const shown = await catena(folder, ["show", id]);
    expect([shown.code, shown.out]).toEqual([0, expect.stringMatching(/^ +erased +\d{4}-/m)]);
    expect(shown.out).not.toContain("product");
    const asked = await catena(folder, ["cancel", id]);
    expect(asked.code).toBe(2);
  });

  test("without any age is asked for in vain", async () => {
    const folder = await posters();
    const said = await catena(folder, ["prune"]);
    expect([said.code, inOneLine(said.err)]).toEqual([
      2,
      expect.stringContaining('sets no age in "retention"'),
    ]);
  });
});

describe("where things are", () => {
  test("argument goes before environment, environment before config, config before default", async () => {
    const config = posterConfig.replace("pipelines:", 'store: "of-config.db", pipelines:');
    const folder = await projectWith({ "sub/catena.config.ts": config });
    const words = ["run", "poster", "--set", "product=x", "--config", "sub/catena.config.ts"];
    await catena(folder, words);
    expect(existsSync(join(folder, "sub/of-config.db"))).toBe(true);
    await catena(folder, words, { CATENA_STORE: "of-environment.db" });
    expect(existsSync(join(folder, "of-environment.db"))).toBe(true);
    const all = { CATENA_STORE: "other.db", CATENA_CONFIG: "gone.ts", CATENA_ASSETS: "of-env" };
    await catena(folder, [...words, "--store", "of-argument.db"], all);
    expect(existsSync(join(folder, "of-argument.db"))).toBe(true);
    expect(existsSync(join(folder, "other.db"))).toBe(false);
    expect(existsSync(join(folder, "of-env"))).toBe(true);
  });

  test("a command that is told carries the same places", async () => {
    const folder = await projectWith({ "my.config.ts": posterConfig });
    const flags = ["--config", "my.config.ts", "--store", "my posters.db"];
    const said = await catena(folder, ["run", "poster", "--set", "product=bad", ...flags]);
    expect(said.err).toMatch(
      /catena retry [0-9a-f-]{36} --wait --config my\.config\.ts --store 'my posters\.db'$/m,
    );
  });
});

describe("a config", () => {
  test.each([
    ["export default 5;", /expected a default export with what Catena\.start takes.*got a number/],
    ["export const pipelines = [];", /got none/],
    ["export default { pipelines: [] };", /expected pipelines to be a list of at least one/],
    ["export default { pipelines: [5] };", /expected pipelines\[0\] to be a pipeline ended by/],
    ["throw new RangeError('no such luck');", /RangeError: no such luck at .*config\.ts:1/],
    ['import "./missing.ts";', /Cannot find module .*missing\.ts/],
  ])("%j is refused in words", async (config, sentence) => {
    const folder = await projectWith({ "catena.config.ts": config });
    const said = await catena(folder, ["run", "poster", "--set", "product=x"]);
    expect(said.code).toBe(2);
    const found = await catena(folder, ["check"]);
    expect(inOneLine(found.out + found.err)).toMatch(sentence);
    expect(found.code).toBeGreaterThan(0);
  });

  test("that is not there is told apart from one that is wrong", async () => {
    const said = await catena(await emptyFolder(), ["check"]);
    expect(said).toMatchObject({
      code: 2,
      err: expect.stringContaining('"catena init" makes one'),
    });
  });
});

describe("check and graph", () => {
  test("say what is doubtful, and what the machine is", async () => {
    const doubtful = posterConfig.replace(
      'model: "acme/writer",',
      'model: "acme/writer", timeout: "2 hours",',
    );
    const folder = await projectWith({ "catena.config.ts": doubtful });
    const said = await catena(folder, ["check"]);
    expect(said.code).toBe(0);
    expect(said.out).toMatch(/^warning poster@1 concept \(late-timeout\)$/m);
    expect(said.out).toMatch(/Checked poster@1: 0 errors, 1 warning\.$/m);
    expect(longestLine(said.out)).toBeLessThanOrEqual(80);
    expect(jsonOf(await catena(folder, ["check", "--json"]))).toMatchObject({
      pipelines: ["poster@1"],
      findings: [{ rule: "late-timeout", severity: "warning", of: "poster@1" }],
    });
    expect((await catena(folder, ["graph", "poster"])).out).toMatch(/^stateDiagram-v2\n/);
    expect(jsonOf(await catena(folder, ["graph", "poster", "--json"]))).toMatchObject({
      name: "poster",
      steps: [{ path: "concept" }, { path: "check" }, { path: "gate" }],
    });
  });

  test("an unsound pipeline is an error, exit code 1", async () => {
    const unsound = posterConfig.replaceAll('"check"', '"constructor"');
    const folder = await projectWith({ "catena.config.ts": unsound });
    const said = await catena(folder, ["check"]);
    expect(said.code).toBe(1);
    expect(said.out).toMatch(/^error poster@1 constructor \(reserved-name\)$/m);
    expect((await catena(folder, ["run", "poster", "--set", "product=x"])).code).toBe(2);
  });

  test("a model without a client is said before anything is submitted", async () => {
    const folder = await projectWith({
      "catena.config.ts": posterConfig.replace(/models: Functions[^\n]*\n/, "\n"),
    });
    expect((await catena(folder, ["check"])).out).toContain("warning config (no-client)");
    const said = await catena(folder, ["run", "poster", "--set", "product=x"]);
    expect([said.code, said.err]).toEqual([
      2,
      expect.stringContaining("No client for the models of concept: set REPLICATE_API_TOKEN"),
    ]);
    expect(existsSync(join(folder, "catena.db"))).toBe(false);
    const half = await catena(folder, ["check"], { REPLICATE_BASE_URL: "http://127.0.0.1:1/v1" });
    expect([half.code, half.err]).toEqual([2, expect.stringContaining("set both or none")]);
  });
});

describe("init", () => {
  test("writes a project once, and nothing over what is there", async () => {
    const folder = await emptyFolder();
    const said = await catena(folder, ["init", "posters"]);
    expect(said.code).toBe(0);
    const manifest = await readFile(join(folder, "posters/package.json"), "utf8");
    expect(JSON.parse(manifest)).toMatchObject({
      name: "posters",
      dependencies: { "catena-ai": "^1.2.3", effect: "~4.1.0" },
      devDependencies: { "catena-emulator": "^1.2.3" },
    });
    const again = await catena(folder, ["init", "posters"]);
    expect([again.code, again.err]).toEqual([2, expect.stringContaining("nothing was written")]);
  });
});

describe("help, version and completions", () => {
  test("go to the standard output", async () => {
    const folder = await emptyFolder();
    expect(await catena(folder, ["--version"])).toEqual({ code: 0, out: "1.2.3\n", err: "" });
    const help = await catena(folder, ["--help"]);
    expect(help.code).toBe(0);
    for (const command of ["init", "dev", "run", "serve", "jobs", "show", "retry", "graph"])
      expect(help.out).toContain(command);
    expect(help.out).not.toContain("\u001b[");
    for (const words of [["--help"], ["run", "--help"], ["jobs", "--help"], []]) {
      const { code, out } = await catena(folder, words);
      expect([code, longestLine(out) <= 80]).toEqual([0, true]);
    }
    expect((await catena(folder, ["run", "--help"])).out).toMatch(/--only STEP +Run this step/);
  });
});
