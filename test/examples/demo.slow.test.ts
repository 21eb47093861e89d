/** Every point at which the demo can be killed, and a provider that is not there. */
import { expect, test } from "vitest";
import { demoFolder, expectResume, runDemo } from "./demo-process.ts";

const models = ["concept", "prompt", "image", "check"];
const points = ["sent", "accepted", "settled", "committed"];

test.each([
  ...models.flatMap((step) => points.map((point) => `${step}:${point}`)),
  "store:committed",
])("killed at %s, the next run finishes the same job and pays nothing twice", async (point) => {
  await expectResume(point);
});

test.each(models)(
  "a call of %s that was decided and never sent is made once, after a look",
  async (step) => {
    const output = await expectResume(`${step}:intended`);
    expect(output).toContain(`waits for news of a call of ${step}`);
    expect(output).toContain("it was never made: asks again");
  },
);

test("a provider that cannot be reached is named, the token is not", async () => {
  const folder = await demoFolder();
  const token = "r8_this_is_a_secret";
  const { output, errors, code } = await runDemo(folder, [], {
    REPLICATE_API_TOKEN: token,
    // A port that fetch refuses: nothing can answer there.
    REPLICATE_BASE_URL: "http://127.0.0.1:9/v1",
  });
  expect(code).toBe(1);
  expect(output).toContain("see that http://127.0.0.1:9/v1 can be reached");
  expect(output + errors).not.toContain(token);
});
