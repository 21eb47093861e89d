/**
 * The fault plan: what goes wrong is what was planned, and the ledger tells what really happened. A lost answer
 * that was applied is a prediction that exists and costs.
 */
import { describe, expect, test } from "vitest";
import type { FaultRule, Outcome } from "../../emulator/src/emulator.ts";
import {
  call,
  clientOf,
  createConcept,
  finished,
  FLUX,
  getPrediction,
  instantEmulator,
  listed,
  LLAMA,
  post,
  eventually,
} from "./emulator-client.ts";

const BODY = { input: { prompt: "Product: a lamp" } };
const CREATE = `/v1/models/${LLAMA}/predictions`;

function onCreate(fault: FaultRule["fault"], nth: number = 1): readonly FaultRule[] {
  return [{ match: { operation: "create", nth }, fault }];
}

function withOutcome(outcome: Outcome): readonly FaultRule[] {
  return [{ match: { operation: "create" }, fault: { type: "outcome", outcome } }];
}

describe("lost answers", () => {
  test.each([
    ["the prediction was made", true, 1],
    ["nothing was made", false, 0],
  ])("a reset connection where %s", async (_case, applied, count) => {
    const emulator = await instantEmulator({
      faults: onCreate({ type: "lost-answer", by: "reset", applied }),
    });
    await expect(post(emulator, CREATE, BODY)).rejects.toThrow("fetch failed");
    expect(emulator.ledger()).toHaveLength(count);
  });

  test("the official client resends a create whose connection broke: the ledger shows it", async () => {
    const emulator = await instantEmulator({
      faults: onCreate({ type: "lost-answer", by: "reset", applied: true }),
    });
    const webhook = "http://127.0.0.1:9/hook?key=intent-1";
    await clientOf(emulator).predictions.create({
      model: LLAMA,
      input: BODY.input,
      webhook,
      webhook_events_filter: ["start"],
    });
    const [first, second] = emulator.ledger();
    expect(first).toMatchObject({ key: "intent-1" });
    expect(second).toMatchObject({ duplicateOf: first?.id, sameInputAs: first?.id });
  });

  test("a 5xx is an HTML page, whether or not the prediction was made", async () => {
    for (const applied of [true, false]) {
      const fault = { type: "lost-answer", by: "server-error", applied, status: 504 } as const;
      const emulator = await instantEmulator({ faults: onCreate(fault) });
      const response = await post(emulator, CREATE, BODY);
      expect(response.status).toBe(504);
      expect(response.headers.get("content-type")).toContain("text/html");
      expect(emulator.ledger()).toHaveLength(applied ? 1 : 0);
    }
  });

  test("a hanging create never answers, and its prediction runs on", async () => {
    const emulator = await instantEmulator({
      faults: onCreate({ type: "lost-answer", by: "hang", applied: true }),
    });
    const signal = new AbortController();
    const hanging = call(emulator, CREATE, {
      method: "POST",
      body: JSON.stringify(BODY),
      signal: signal.signal,
    });
    await eventually(() => emulator.ledger()).toMatchObject([{ status: "succeeded" }]);
    signal.abort();
    await expect(hanging).rejects.toThrow("aborted");
  });

  test("a create can take effect long after its answer was lost", async () => {
    const fault = { type: "lost-answer", by: "reset", applied: true, appliedAfterMs: 50 } as const;
    const emulator = await instantEmulator({ faults: onCreate(fault) });
    await expect(post(emulator, CREATE, BODY)).rejects.toThrow("fetch failed");
    expect(emulator.ledger()).toEqual([]);
    await eventually(() => emulator.ledger()).toHaveLength(1);
  });
});

describe("refusals", () => {
  test.each([
    ["header", "7", undefined],
    ["body", null, 7],
    ["both", "7", 7],
    ["neither", null, undefined],
  ] as const)("429 announced in %s", async (announcedIn, header, field) => {
    const fault = { type: "rate-limited", retryAfterSeconds: 7, announcedIn } as const;
    const emulator = await instantEmulator({ faults: onCreate(fault) });
    const response = await post(emulator, CREATE, BODY);
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe(header);
    expect(((await response.json()) as { readonly retry_after?: number }).retry_after).toBe(field);
    expect(emulator.ledger()).toEqual([]);
  });

  test("402 says that the credit is used up", async () => {
    const emulator = await instantEmulator({ faults: onCreate({ type: "insufficient-credit" }) });
    const response = await post(emulator, CREATE, BODY);
    expect(response.status).toBe(402);
    expect(await response.json()).toMatchObject({ title: "Insufficient credit", status: 402 });
  });
});

describe("outcomes", () => {
  test("failed carries the error text and still costs nothing per output", async () => {
    const error = "E1001: CUDA out of memory";
    const emulator = await instantEmulator({ faults: withOutcome({ kind: "failed", error }) });
    const done = await finished(emulator, (await createConcept(emulator)).id);
    expect(done).toMatchObject({ status: "failed", error });
    expect(emulator.ledger()).toMatchObject([{ status: "failed", costUsd: 0 }]);
  });

  test("hang runs until it is cancelled", async () => {
    const emulator = await instantEmulator({ faults: withOutcome({ kind: "hang" }) });
    const { id } = await createConcept(emulator);
    expect((await getPrediction(emulator, id)).status).toBe("processing");
    await post(emulator, `/v1/predictions/${id}/cancel`, {});
    expect((await getPrediction(emulator, id)).status).toBe("canceled");
  });

  test("slow-boot stays in starting", async () => {
    const emulator = await instantEmulator({
      faults: withOutcome({ kind: "slow-boot", bootMs: 3_600_000 }),
    });
    const { id } = await createConcept(emulator);
    expect((await getPrediction(emulator, id)).status).toBe("starting");
  });

  test.each([
    [{ kind: "null" }, null],
    [{ kind: "empty" }, []],
    [{ kind: "output", output: { answer: 42 } }, { answer: 42 }],
  ] as const)("%o is a success with that output", async (outcome, output) => {
    const emulator = await instantEmulator({ faults: withOutcome(outcome) });
    const done = await finished(emulator, (await createConcept(emulator)).id);
    expect(done).toMatchObject({ status: "succeeded", output });
  });

  test.each(["malformed", "truncated"] as const)("%s is no JSON", async (kind) => {
    const emulator = await instantEmulator({ faults: withOutcome({ kind }) });
    const { output } = await finished(emulator, (await createConcept(emulator)).id);
    const text = (output as readonly string[]).join("");
    expect(text.length).toBeGreaterThan(10);
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
  });
});

describe("lists, cancels and files", () => {
  test("a stale list shows the past", async () => {
    let time = Date.now();
    const rule: FaultRule = {
      match: { operation: "list", nth: 1 },
      fault: { type: "stale-list", staleMs: 60_000 },
    };
    const emulator = await instantEmulator({ now: () => time, faults: [rule] });
    await createConcept(emulator);
    time += 59_999;
    expect((await listed(emulator)).results).toHaveLength(0);
    expect((await listed(emulator)).results).toHaveLength(1);
  });

  test("an ignored cancel answers and changes nothing", async () => {
    const rule: FaultRule = { match: { operation: "cancel" }, fault: { type: "ignored-cancel" } };
    const emulator = await instantEmulator({
      faults: [...withOutcome({ kind: "hang" }), rule],
    });
    const { id } = await createConcept(emulator);
    const response = await post(emulator, `/v1/predictions/${id}/cancel`, {});
    expect(response.status).toBe(200);
    expect((await getPrediction(emulator, id)).status).toBe("processing");
  });

  test("a delayed cancel takes effect later", async () => {
    const rule: FaultRule = {
      match: { operation: "cancel" },
      fault: { type: "delayed-cancel", delayMs: 30 },
    };
    const emulator = await instantEmulator({ faults: [...withOutcome({ kind: "hang" }), rule] });
    const { id } = await createConcept(emulator);
    const response = await post(emulator, `/v1/predictions/${id}/cancel`, {});
    expect(await response.json()).toMatchObject({ status: "processing" });
    expect((await finished(emulator, id)).status).toBe("canceled");
  });

  test("a file can break off before its promised length", async () => {
    const faults: readonly FaultRule[] = [
      { match: { operation: "file" }, fault: { type: "truncated-file", promisedLength: "whole" } },
    ];
    const emulator = await instantEmulator({ faults });
    const body = { input: { prompt: "x" } };
    const response = await post(emulator, `/v1/models/${FLUX}/predictions`, body);
    const { id } = (await response.json()) as { readonly id: string };
    const { output } = await finished(emulator, id);
    const file = await fetch(String((output as readonly string[])[0]));
    await expect(file.arrayBuffer()).rejects.toThrow("terminated");
  });

  test("files expire, come cut short, or come as a page", async () => {
    const types = ["expired-file", "truncated-file", "html-file"] as const;
    const faults = types.map(
      (type, index): FaultRule => ({
        match: { operation: "file", model: FLUX, nth: index + 1 },
        fault: { type },
      }),
    );
    const emulator = await instantEmulator({ faults });
    const response = await post(emulator, `/v1/models/${FLUX}/predictions`, {
      input: { prompt: "x" },
    });
    const { output } = await finished(
      emulator,
      ((await response.json()) as { readonly id: string }).id,
    );
    const url = String((output as readonly string[])[0]);
    const [expired, cut, page, whole] = await Promise.all([1, 2, 3, 4].map(() => fetch(url)));
    expect(expired?.status).toBe(404);
    expect(page?.headers.get("content-type")).toContain("text/html");
    const [cutSize, wholeSize] = [await cut?.arrayBuffer(), await whole?.arrayBuffer()].map(
      (body) => body?.byteLength ?? 0,
    );
    expect(cutSize).toBeLessThan(wholeSize ?? 0);
  });
});

describe("the plan", () => {
  test("counts the requests that match, each rule by itself", async () => {
    const emulator = await instantEmulator({
      faults: [
        { match: { operation: "create", nth: [2, 3] }, fault: { type: "insufficient-credit" } },
        { match: { operation: "create", model: FLUX, nth: 1 }, fault: { type: "unauthorized" } },
      ],
    });
    const statuses: number[] = [];
    for (let index = 0; index < 4; index += 1) {
      statuses.push((await post(emulator, CREATE, BODY)).status);
    }
    expect(statuses).toEqual([201, 402, 402, 201]);
    expect((await post(emulator, `/v1/models/${FLUX}/predictions`, BODY)).status).toBe(401);
  });

  test("the same seed gives the same faults, another seed others", async () => {
    const pattern = async (seed: number): Promise<string> => {
      const emulator = await instantEmulator({
        faults: [
          {
            match: { operation: "create", probability: 0.5, seed },
            fault: { type: "insufficient-credit" },
          },
        ],
      });
      const statuses: number[] = [];
      for (let index = 0; index < 24; index += 1) {
        statuses.push((await post(emulator, CREATE, BODY)).status);
      }
      return statuses.join(" ");
    };
    const first = await pattern(7);
    expect(await pattern(7)).toBe(first);
    expect(await pattern(8)).not.toBe(first);
    expect(first).toContain("402");
    expect(first).toContain("201");
  });

  test("is set, read and reset over HTTP, and refuses what it cannot read", async () => {
    const emulator = await instantEmulator();
    const rules = onCreate({ type: "insufficient-credit" });
    expect((await post(emulator, "/emulator/plan", { rules })).status).toBe(200);
    expect((await post(emulator, CREATE, BODY)).status).toBe(402);
    expect(await (await call(emulator, "/emulator/plan")).json()).toMatchObject({
      rules: [{ seen: 1 }],
    });
    await post(emulator, "/emulator/reset-plan", {});
    expect((await post(emulator, CREATE, BODY)).status).toBe(201);
  });

  const rule = (match: object, fault: object) => [{ match, fault }];
  const create = { operation: "create" };
  const refused = { type: "insufficient-credit" };
  test.each([
    [{ rulez: [] }, "a plan is an array of rules, or an object with nothing but `rules`"],
    [[{ match: create }], "rule 0: a rule is { match: {…}, fault: {…} }"],
    [
      [{ match: create, fault: refused, nth: 1 }],
      "rule 0: unknown field nth: a rule has match and fault",
    ],
    [
      rule(create, { type: "lost-answer", by: "rest", applied: true }),
      'rule 0: wrong value for fault.by: expected one of reset, server-error, hang, html, got "rest"',
    ],
    [
      rule(create, { type: "lost-answer", by: "hang" }),
      "rule 0: wrong value for fault.applied: expected true or false, got nothing",
    ],
    [
      rule({ ...create, nth: 0 }, refused),
      "rule 0: wrong value for match.nth: expected a whole number from 1, or a list of such, got 0",
    ],
    [
      rule({ ...create, model: "meta/llama" }, refused),
      'rule 0: wrong value for match.model: expected one of meta/meta-llama-3-8b-instruct, black-forest-labs/flux-schnell, falcons-ai/nsfw_image_detection, got "meta/llama"',
    ],
    [
      rule({ operation: "list", model: "black-forest-labs/flux-schnell" }, refused),
      "rule 0: match.model: a request of list is about no model",
    ],
    [
      rule({ operation: "get" }, { type: "stale-list", staleMs: 5 }),
      "rule 0: stale-list changes nothing at get: match.operation is one of list",
    ],
    [
      rule({ operation: "get" }, { type: "outcome", outcome: { kind: "null" } }),
      "rule 0: outcome changes nothing at get: match.operation is one of create",
    ],
    [
      rule(create, { type: "outcome", outcome: { kind: "faild" } }),
      "rule 0: fault.outcome.kind is one of failed, hang, slow-boot, malformed, truncated, empty, null, output",
    ],
    [
      rule(create, { type: "outcome", outcome: { kind: "hang", on: "starting" } }),
      "rule 0: unknown field fault.outcome.on; the fields are in",
    ],
  ])("a plan that would test nothing is refused: %j", async (plan, detail) => {
    const emulator = await instantEmulator();
    await post(emulator, "/emulator/plan", onCreate({ type: "insufficient-credit" }));
    const wrong = await post(emulator, "/emulator/plan", plan);
    expect(wrong.status).toBe(422);
    expect(await wrong.json()).toMatchObject({ detail });
    // The plan before stays.
    expect((await post(emulator, CREATE, BODY)).status).toBe(402);
  });

  test("a plan in code is checked as well", async () => {
    const emulator = await instantEmulator();
    expect(() => {
      emulator.plan([{ match: { operation: "get" }, fault: { type: "ignored-cancel" } }]);
    }).toThrow("fault plan: rule 0: ignored-cancel changes nothing at get");
  });
});
