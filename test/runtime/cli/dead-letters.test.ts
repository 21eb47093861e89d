/** `catena dead-letters`: what it lists and counts, and what becomes of redriven and discarded letters. */
import { describe, expect, test } from "vitest";
import { catena, jsonOf } from "./support/in-process.ts";
import { posterConfig, projectWith } from "./support/project.ts";

/** A project with as many jobs that met the bug. */
const boomed = async (count: number): Promise<string> => {
  const folder = await projectWith({ "catena.config.ts": posterConfig });
  for (let made = 0; made < count; made += 1) {
    const said = await catena(folder, ["run", "poster", "--set", "product=boom"]);
    expect(said.code).toBe(1);
  }
  return folder;
};

const lettersOf = async (folder: string): Promise<ReadonlyArray<{ readonly id: string }>> => {
  const listed = jsonOf(await catena(folder, ["dead-letters", "--json"]));
  // What the command prints is looked at by matchers.
  return listed as ReadonlyArray<{ readonly id: string }>;
};

describe("dead-letters", () => {
  test("lists what died with its whole id, within the width", async () => {
    const folder = await boomed(2);
    const said = await catena(folder, ["dead-letters"]);
    expect(said.code).toBe(0);
    const [titles = "", ...lines] = said.out.trim().split("\n");
    expect(titles).toMatch(/^LETTER +KIND +AT +DEATHS +DIED$/);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).toMatch(/^[0-9a-f-]{36} {2}defect {2}poster\/check +1 /);
      expect(line.length).toBeLessThanOrEqual(80);
    }
    expect(await lettersOf(folder)).toMatchObject([
      { kind: "defect", step: "check", message: "step failed", deaths: 1 },
      { kind: "defect" },
    ]);
  });

  test("counts them by cause, with the words of the newest", async () => {
    const folder = await boomed(2);
    const said = await catena(folder, ["dead-letters", "--causes"]);
    const [, cause = "", reason = ""] = said.out.split("\n");
    expect(cause).toMatch(/^[0-9a-f]{16} +2 +defect +poster\/check /);
    expect(reason).toMatch(/^ {2}TypeError: cannot read the headline/);
    const [json] = [jsonOf(await catena(folder, ["dead-letters", "--causes", "--json"]))];
    expect(json).toMatchObject([{ letters: 2, deaths: 2 }]);
  });

  test("redrives one, which is closed at once, and says that nobody runs it", async () => {
    const folder = await boomed(2);
    const [first, second] = await lettersOf(folder);
    const said = await catena(folder, ["dead-letters", "redrive", first?.id ?? ""]);
    expect(said).toMatchObject({ code: 0, out: "1 letter redriven.\n" });
    expect(said.err).toContain("No process runs jobs of this store now");
    expect(await lettersOf(folder)).toMatchObject([{ id: second?.id }]);
    const again = await catena(folder, ["dead-letters", "redrive", first?.id ?? ""]);
    expect(again.code).toBe(2);
    expect(again.err.replace(/\s+/g, " ")).toContain("there is none open under this id");
  });

  test("redrives and discards by filter, and answers with one JSON document", async () => {
    const folder = await boomed(2);
    const none = await catena(folder, ["dead-letters", "redrive", "--step", "gate", "--json"]);
    expect(jsonOf(none)).toEqual({ redriven: 0, skipped: 0, reasons: [], isComplete: true });
    const all = await catena(folder, ["dead-letters", "discard", "--kind", "defect", "--json"]);
    expect(jsonOf(all)).toEqual({ discarded: 2, skipped: 0, reasons: [], isComplete: true });
    expect(await catena(folder, ["dead-letters"])).toMatchObject({
      code: 0,
      out: "",
      err: "No dead letters.\n",
    });
  });

  test.each([
    [["redrive"], "Expected a letter's id, or some of"],
    [["redrive", "x", "--all"], "Expected a letter's id, or some of"],
    [["discard", "--from", "yesterday"], "Expected --from to be an instant"],
    [["--limit", "0"], "Expected --limit above 0"],
    [["--kind", "bad"], "kind"],
  ])("refuses %j as wrong use", async (words, sentence) => {
    const folder = await boomed(0);
    await catena(folder, ["run", "poster", "--set", "product=cup"]);
    const said = await catena(folder, ["dead-letters", ...words]);
    expect(said.code).toBe(2);
    expect(said.err.replace(/\s+/g, " ")).toContain(sentence);
  });
});
