/** What a request was authorised with is told to nobody but the server it was meant for. */
import { Redacted } from "effect";
import { describe, expect, test } from "vitest";
import { Retry, Steps } from "../../../src/index.ts";
import { runAlone } from "./alone.ts";
import { lead, Lead } from "./leads.ts";
import { recordingServer } from "./recording-server.ts";

describe("a secret", () => {
  const secret = "s3cret-token/with+signs";
  const basic = Buffer.from(`ann:${secret}`).toString("base64");
  /** Servers that tell everybody what they were sent. */
  const echoing = (status: number) =>
    recordingServer(({ headers, path, body }) => ({
      status,
      body: JSON.stringify({ headers, path, body, again: [secret, encodeURIComponent(secret)] }),
    }));

  test.for([400, 401, 404, 500])("is in no failure, entry or record: HTTP %i", async (status) => {
    for (const authorization of [
      `Bearer ${secret}`,
      secret,
      `Basic ${basic}`,
      Redacted.make(`Token ${secret}`),
    ]) {
      await using server = await echoing(status);
      const step = Steps.http("crm", {
        input: Lead,
        url: `${server.origin}/hook?key=${encodeURIComponent(secret)}`,
        headers: { authorization, "content-type": "application/json" },
        retry: Retry.none,
      });
      const run = await runAlone(step, lead);
      const said = JSON.stringify([run.outcome, run.journal, run.record]);
      expect(run.outcome).toMatchObject({ status: "failed" });
      expect(said).toContain("<hidden>");
      for (const form of [secret, encodeURIComponent(secret), basic])
        expect(said).not.toContain(form);
    }
  });

  test("is not shown where no header can hold it", async () => {
    const step = Steps.http("crm", {
      input: Lead,
      url: "http://127.0.0.1:1/",
      headers: { authorization: `Bearer ${secret}\n` },
    });
    const step2 = Steps.http("crm", {
      input: Lead,
      url: "http://127.0.0.1:1/",
      headers: { authorization: `Bearer ${secret}\0` },
    });
    for (const one of [step, step2]) {
      const run = await runAlone(one, lead);
      expect(JSON.stringify([run.outcome, run.journal])).not.toContain(secret);
    }
    expect((await runAlone(step2, lead)).outcome).toMatchObject({
      kind: "defect",
      failure: { message: expect.stringContaining('the header "authorization"') },
    });
  });
});
