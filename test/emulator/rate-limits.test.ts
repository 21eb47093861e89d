/** Rate limits of the account, its credit, and what answers say about both. */
import { describe, expect, test } from "vitest";
import type { Emulator, EmulatorOptions } from "../../emulator/src/emulator.ts";
import { call, createConcept, finished, instantEmulator, LLAMA, post } from "./emulator-client.ts";

const CREATE = `/v1/models/${LLAMA}/predictions`;
const BODY = { input: { prompt: "x" } };
/** Time stands still, so that no bucket fills by itself. */
const still: EmulatorOptions = { now: () => Date.parse("2026-01-01T00:00:00Z") };
const DOCUMENTED = { createsPerMinute: 600, othersPerMinute: 3_000 };

const create = (emulator: Emulator): Promise<Response> => post(emulator, CREATE, BODY);
const look = (emulator: Emulator): Promise<Response> => call(emulator, "/v1/account");

async function statuses(count: number, ask: () => Promise<Response>): Promise<readonly number[]> {
  const seen: number[] = [];
  for (let index = 0; index < count; index += 1) seen.push((await ask()).status);
  return seen;
}

describe("requests a minute", () => {
  test("the first answers are as recorded: 599 creates and 2,999 others are left, full again in a second", async () => {
    const emulator = await instantEmulator({ ...still, rateLimits: DOCUMENTED });
    const [created, looked] = [await create(emulator), await look(emulator)];
    const told = (response: Response): readonly (string | null)[] =>
      ["ratelimit-remaining", "ratelimit-reset"].map((name) => response.headers.get(name));
    expect(told(created)).toEqual(["599", "1"]);
    expect(told(looked)).toEqual(["2999", "1"]);
  });

  test("a spent minute is refused until it fills again, creates apart from the rest", async () => {
    const rateLimits = { createsPerMinute: 3, othersPerMinute: 2 };
    const emulator = await instantEmulator({ ...still, rateLimits });
    expect(await statuses(4, () => create(emulator))).toEqual([201, 201, 201, 429]);
    expect(await statuses(3, () => look(emulator))).toEqual([200, 200, 429]);
    const refused = await create(emulator);
    expect(refused.headers.get("retry-after")).toBe("20");
    expect(await refused.json()).toEqual({
      detail: "Request was throttled. Your rate limit resets in ~20s.",
      status: 429,
      retry_after: 20,
    });
    await emulator.advance(19_000);
    expect((await create(emulator)).status).toBe(429);
    await emulator.advance(1_000);
    expect(await statuses(2, () => create(emulator))).toEqual([201, 429]);
    expect(emulator.ledger()).toHaveLength(4);
  });

  test.each([
    ["header", "60", undefined],
    ["body", null, 60],
    ["neither", null, undefined],
  ] as const)("the wait can be announced in %s", async (throttlingAnnouncedIn, header, field) => {
    const rateLimits = { createsPerMinute: 1, othersPerMinute: 9 };
    const emulator = await instantEmulator({ ...still, rateLimits, throttlingAnnouncedIn });
    await create(emulator);
    const refused = await create(emulator);
    expect(refused.headers.get("retry-after")).toBe(header);
    expect(((await refused.json()) as { readonly retry_after?: number }).retry_after).toBe(field);
  });

  test("what a refused token asks for counts nothing, and neither does the control API", async () => {
    const rateLimits = { createsPerMinute: 1, othersPerMinute: 1 };
    const emulator = await instantEmulator({ ...still, rateLimits, token: "r8_test" });
    const headers = { authorization: "Bearer r8_wrong" };
    expect((await call(emulator, "/v1/account", { headers })).status).toBe(401);
    expect((await call(emulator, "/emulator/ledger")).status).toBe(200);
    expect((await look(emulator)).status).toBe(200);
  });

  test("canned answers are not limited, toys are as documented", async () => {
    const response = await look(await instantEmulator());
    expect(response.headers.has("ratelimit-remaining")).toBe(false);
    const toys = await instantEmulator({ models: "real" });
    expect((await look(toys)).headers.get("ratelimit-remaining")).toBe("2999");
  });
});

describe("credit", () => {
  test("less than $5 leave six creates a minute and one at a time", async () => {
    const emulator = await instantEmulator({ ...still, creditUsd: 4.99 });
    expect(await statuses(2, () => create(emulator))).toEqual([201, 429]);
    expect(await (await create(emulator)).text()).toContain(
      "reduced to 6 requests per minute with a burst of 1 requests while you have less than $5.0 in credit. Your rate limit resets in ~10s.",
    );
    await emulator.advance(10_000);
    expect(await statuses(2, () => create(emulator))).toEqual([201, 429]);
  });

  test("what predictions cost is taken from it, and without any nothing is made", async () => {
    const emulator = await instantEmulator({ ...still, creditUsd: 0.000_001 });
    const { id } = await createConcept(emulator);
    await finished(emulator, id);
    const usd = (await (await call(emulator, "/emulator/credit")).json()) as {
      readonly usd: number;
    };
    expect(usd.usd).toBeLessThan(0);
    expect(await statuses(3, () => create(emulator))).toEqual([402, 402, 402]);
    expect(emulator.ledger()).toHaveLength(1);
    await post(emulator, "/emulator/credit", { usd: 20 });
    expect(await statuses(3, () => create(emulator))).toEqual([201, 201, 201]);
    await post(emulator, "/emulator/credit", { usd: null });
    expect(await (await call(emulator, "/emulator/credit")).json()).toEqual({ usd: null });
  });
});
