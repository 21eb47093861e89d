/** Every path through the campaign, with and without its services, and through a small pipeline keeps every promise, and none is left out. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { campaignAssets } from "../../examples/campaign/campaign.ts";
import { Gallery } from "../../examples/campaign/gallery.ts";
import { paths } from "../../src/testing.ts";
import { careful, questions } from "./careful-steps.ts";
import { article } from "./three-steps.ts";

describe("the campaign", async () => {
  const folder = await mkdtemp(join(tmpdir(), "catena-paths-"));
  const suite = paths(campaignAssets, { layer: Gallery.layer(folder) });
  for (const path of suite) test(path.name, () => path.run());
  test("leaves no transition untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
});

describe("the campaign without the layer that its last step needs", () => {
  const suite = paths(campaignAssets);
  for (const path of suite) test(path.name, () => path.run());
  test("leaves no transition untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
  test("names the step that did not run for want of its service", () => {
    expect(suite.replaced()).toEqual(["store"]);
  });
});

describe("a pipeline of three steps", () => {
  const suite = paths(article, { seed: 7 });
  for (const path of suite) test(path.name, () => path.run());
  test("leaves no transition untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
  test("says of every transition that it leaves out why none can take it", () => {
    expect(suite.impossible).toContainEqual({
      id: "running.publish --PredictionIntended--> active",
      why: "a run step makes no paid call",
    });
    expect(suite.impossible.every(({ why }) => why.length > 0)).toBe(true);
  });
});

describe("a step that may not run again, between a model and a person", () => {
  const suite = paths(careful);
  for (const path of suite) test(path.name, () => path.run());
  test("leaves no transition untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
});

describe("a path", () => {
  const names = [...paths(careful)].map(({ name }) => name);
  test("is named like no other", () => {
    expect(new Set(names).size).toBe(names.length);
  });
  test("names its step once", () => {
    expect(names).toContain("notify: provider failure; backingOff: wait + cancel");
  });
});

test("a pipeline with five signals is planned as fast as it is run", () => {
  const suite = paths(questions);
  expect(suite.paths.length).toBeLessThan(200);
}, 20_000);

test("before anything has run, every transition is uncovered", () => {
  const suite = paths(article);
  expect(suite.uncovered()).toContain("running.draft --PredictionUnknown--> unknown");
});

test("the same seed plans the same paths", () => {
  // A plan of its own each time: paths are planned once for each plan.
  const copy = () => ({ ...article, plan: { ...article.plan } });
  const names = () => [...paths(copy(), { seed: 3 })].map(({ name }) => name);
  expect(names()).toEqual(names());
});
