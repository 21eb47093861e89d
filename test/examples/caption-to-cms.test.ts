/** A photo becomes one entry, and nothing is printed that the one rule forbids. */
import { Effect } from "effect";
import { afterAll, describe, expect, test } from "vitest";
import { type Cms, photoEntries } from "../../examples/caption-to-cms.ts";
import { paths, testCatena } from "../../src/testing.ts";
import { recordingServer } from "../steps/ready-made/recording-server.ts";

const onePixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
  "base64",
);

const server = await recordingServer(() => ({
  headers: { "content-type": "image/png" },
  body: onePixel,
}));
afterAll(() => server[Symbol.asyncDispose]());

const memoryCms = () => {
  const entries = new Map<string, unknown>();
  const cms: Cms = {
    put: (key, entry) =>
      Effect.sync(() => {
        entries.set(key, entry);
        return `https://cms.example/${entries.size}`;
      }),
  };
  return { cms, entries };
};

const text = { title: "Rain", alt: "A bottle in the rain" };
const photo = { photo_url: `${server.origin}/photo.png`, section: "weather" };
const harmless = { hate: 0.1, sexual: 0, violence: 0 };
const answers = {
  "check-photo": harmless,
  caption: "a bottle in the rain",
  rewrite: text,
  "check-text": harmless,
};

test("a photo becomes an entry with a text", async () => {
  const { cms, entries } = memoryCms();
  const pipeline = photoEntries(cms);
  await using t = await testCatena({ pipelines: [pipeline], answers });
  const { outcome } = await t.run(pipeline, photo);
  expect(outcome).toEqual({
    status: "complete",
    output: { url: "https://cms.example/1", title: "Rain" },
  });
  expect([...entries.values()]).toMatchObject([
    {
      ...text,
      section: "weather",
      photo: { contentType: "image/png", sizeBytes: onePixel.length },
    },
  ]);
});

test.for([
  ["check-photo", []],
  ["check-text", ["caption", "rewrite"]],
] as const)("the one rule holds at %s", async ([step, paidBefore]) => {
  const { cms, entries } = memoryCms();
  const pipeline = photoEntries(cms);
  const blocking = { ...answers, [step]: { ...harmless, hate: 0.2 } };
  await using t = await testCatena({ pipelines: [pipeline], answers: blocking });
  const { outcome, ledger } = await t.run(pipeline, photo);
  expect(outcome).toMatchObject({
    step,
    kind: "policy",
    failure: { rule: "what we print", categories: ["hate"] },
  });
  const paid = ledger.map(({ path }) => path).filter((path) => !path.startsWith("check"));
  expect(paid).toEqual(paidBefore);
  expect(entries.size).toBe(0);
});

describe("on every path it keeps its promises, and a job has one entry at most:", () => {
  const { cms, entries } = memoryCms();
  const suite = paths(photoEntries(cms), { input: photo });
  for (const path of suite)
    test(path.name, async () => {
      const before = entries.size;
      await path.run();
      expect(entries.size - before).toBeLessThanOrEqual(1);
    });
  test("no transition is left untaken", () => {
    expect(suite.uncovered()).toEqual([]);
  });
});
