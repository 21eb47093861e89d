/** `catena signal`: what a job waits for is checked before it is taken, and taken once. */
import { Schema } from "effect";
import { describe, expect, test } from "vitest";
import { catena, jsonOf } from "./support/in-process.ts";
import { start } from "./support/process.ts";
import { projectWith } from "./support/project.ts";

const config = `
import { Schema } from "effect";
import { Pipeline, Step } from "catena-ai";

const Draft = Schema.Struct({ text: Schema.String });
const write = Step.make("write", {
  input: Draft,
  output: Draft,
  run: ({ text }) => ({ text: "about " + text }),
});
const pricing = Step.signal("pricing", {
  input: Draft,
  output: Schema.Struct({ price: Schema.Int, notes: Schema.Array(Schema.String) }),
  timeout: "3 days",
});
const shop = Pipeline.make("shop", { version: 1, input: Draft })
  .step(write)
  .step(pricing)
  .output(Schema.Struct({ text: Schema.String, price: Schema.Int }), ({ outputs }) => ({
    text: outputs.write.text,
    price: outputs.pricing.price,
  }));
export default { pipelines: [shop], lookEvery: "20 millis" };
`;

/** A project, and the id of a job in it that nobody runs yet. */
const submitted = async () => {
  const folder = await projectWith({ "catena.config.ts": config });
  const told = await catena(folder, ["run", "shop", "--set", "text=tea", "--detach"]);
  return { folder, id: told.out.trim() };
};

/** Processes of Node, beside whatever else this machine does. */
const patience = { timeout: 60_000 };

const Jobs = Schema.Array(Schema.Struct({ jobId: Schema.String }));

const value = '{"price":5,"notes":[]}';

/** Lines are as long as the terminal is wide. */
const unwrapped = (text: string): string => text.replace(/\s+/g, " ").trim();

describe("catena signal", () => {
  test("sends early what is used when the step is reached, and --wait runs the job", async () => {
    const { folder, id } = await submitted();
    const told = await catena(folder, ["signal", id, "pricing", value, "--wait"]);
    expect(told.code).toBe(0);
    expect(jsonOf(told)).toEqual({ text: "about tea", price: 5 });
    expect(told.err).toContain("its signal was sent by cli");
    expect(told.err).toContain("waits for its signal, for");
  });

  test("names every field of a wrong value, and the job is not told", async () => {
    const { folder, id } = await submitted();
    const wrong = '{"price":1.5,"notes":["a",7],"more":1}';
    const told = await catena(folder, ["signal", id, "pricing", wrong]);
    expect(told.code).toBe(2);
    expect(told.err).toContain("The value does not fit the signal pricing:");
    expect(told.err).toMatch(/price: .+, got 1\.5/);
    expect(told.err).toMatch(/notes\.1: .+, got 7/);
    expect(told.err).toContain("more:");
    expect((await catena(folder, ["signal", id, "pricing", value])).code).toBe(0);
  });

  test.each([
    ["no JSON", ["pricing", "{"], "Expected the value as JSON"],
    ["nothing", ["pricing"], "value"],
    ["a name that it does not have", ["prizing", value], 'no signal "prizing"; it has pricing'],
  ])("refuses %s", async (_, words, sentence) => {
    const { folder, id } = await submitted();
    const told = await catena(folder, ["signal", id, ...words]);
    expect(told.code).toBe(2);
    expect(unwrapped(told.err + told.out)).toContain(sentence);
  });

  test("says who hears it, and that the same was received before", async () => {
    const { folder, id } = await submitted();
    const told = await catena(folder, ["signal", id, "pricing", value]);
    expect(told.out).toContain("The signal is kept, and no process runs jobs of this store now.");
    expect(told.out).toContain(`catena resume ${id} --wait`);
    const again = await catena(folder, ["signal", id, "pricing", value]);
    expect([again.code, again.out]).toEqual([0, expect.stringContaining("received before")]);
    const other = await catena(folder, ["signal", id, "pricing", '{"price":6,"notes":[]}']);
    expect([other.code, unwrapped(other.err)]).toEqual([
      2,
      `catena: Job ${id}: its signal pricing was received already, with another value`,
    ]);
    expect((await catena(folder, ["resume", id, "--wait"])).code).toBe(0);
    expect((await catena(folder, ["signal", id, "pricing", value])).code).toBe(0);
  });

  test(
    "reaches a job that another process runs, and show says what it waits for",
    patience,
    async () => {
      const folder = await projectWith({ "catena.config.ts": config });
      const running = start(["run", "shop", "--set", "text=tea"], { folder });
      await running.says(/waits for its signal, for 3 d at most/);
      const [job] = Schema.decodeUnknownSync(Jobs)(
        jsonOf(await catena(folder, ["jobs", "--json"])),
      );
      const id = job?.jobId ?? "";
      const { out } = await catena(folder, ["show", id]);
      expect(out).toMatch(/waits for +signal pricing, for /);
      expect(out).toMatch(/pricing +waiting +0 /);
      expect(out).toContain(`catena signal ${id} pricing JSON`);
      const told = await catena(folder, ["signal", id, "pricing", value]);
      expect(told.out).toContain("The process that runs the job has it.");
      const { code, out: output } = await running.ended;
      expect([code, JSON.parse(output)]).toEqual([0, { text: "about tea", price: 5 }]);
    },
  );
});
