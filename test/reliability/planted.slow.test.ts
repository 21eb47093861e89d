/**
 * Are the suites worth their time? Each planted bug is put into a copy of the project, and the suites there
 * must turn red. docs/reliability.md keeps the list of what found each.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plantedBugs } from "./planted/bugs.ts";
import { copyProject, type Finding, type Ground } from "./planted/hunt.ts";

const only = process.env["CATENA_BUG"];

/** Three suites, each with a limit of its own. */
const timeout = 1_800_000;

describe("planted bugs", () => {
  let ground: Ground;
  const findings: Array<Finding> = [];
  beforeAll(async () => {
    ground = await copyProject();
  });
  afterAll(async () => {
    for (const { bug, foundBy, tookMs } of findings)
      console.log(`| ${bug} | ${foundBy ?? "nobody"} | ${(tookMs / 1_000).toFixed(0)} s |`);
    await ground[Symbol.asyncDispose]();
  });

  it("nothing is found where nothing is planted", { timeout }, async () => {
    const { foundBy } = await ground.hunt({ name: "none", edits: [] });
    expect(foundBy).toBeNull();
  });

  it("the compiler takes all of them together", { timeout: 600_000 }, async () => {
    expect(await ground.compile(plantedBugs)).toBe("");
  });

  const chosen = plantedBugs.filter(({ name }) => only === undefined || name.includes(only));
  it.each(chosen)("is found: $name", { timeout }, async (bug) => {
    const finding = await ground.hunt(bug);
    findings.push(finding);
    expect(finding.foundBy).not.toBeNull();
  });
});
