/** The official `replicate` client, used as its documentation says, finds all it asks for. */
import Replicate, { validateWebhook } from "replicate";
import { describe, expect, test } from "vitest";
import type { Emulator } from "../../emulator/src/emulator.ts";
import {
  clientOf,
  CONCEPT_PROMPT,
  eventually,
  FLUX,
  instantEmulator,
  LLAMA,
  NSFW_VERSION,
} from "./emulator-client.ts";
import { receiver } from "./webhook-receiver.ts";

const FAULTY = { match: { operation: "create" } } as const;

/** As most programs use it: with file outputs, which download as soon as they exist. */
function plainClient({ url, token }: Emulator): Replicate {
  return new Replicate({ auth: token, baseUrl: `${url}/v1` });
}

describe("run", () => {
  test("blocks and returns the tokens", async () => {
    const replicate = plainClient(await instantEmulator());
    const output = await replicate.run(LLAMA, { input: { prompt: CONCEPT_PROMPT } });
    expect(JSON.parse((output as readonly string[]).join(""))).toHaveProperty("headline");
  });

  test("polls and tells of each look", async () => {
    const replicate = plainClient(await instantEmulator({ bootMs: 30 }));
    const statuses: string[] = [];
    const options = {
      input: { prompt: CONCEPT_PROMPT },
      wait: { mode: "poll", interval: 5 },
    } as const;
    await replicate.run(LLAMA, options, ({ status }) => void statuses.push(status));
    expect(statuses[0]).toBe("starting");
    expect(statuses.at(-1)).toBe("succeeded");
  });

  test("gives pictures as file outputs that can be read", async () => {
    const replicate = plainClient(await instantEmulator());
    const output = await replicate.run(FLUX, { input: { prompt: "a lamp" } });
    const [picture] = output as readonly { blob: () => Promise<Blob> }[];
    const bytes = new Uint8Array((await (await picture?.blob())?.arrayBuffer()) ?? []);
    expect(Buffer.from(bytes.subarray(1, 4)).toString()).toBe("PNG");
  });

  test("takes an unfinished answer for a finished one: what was warned of happens here too", async () => {
    const emulator = await instantEmulator({
      faults: [{ ...FAULTY, fault: { type: "outcome", outcome: { kind: "hang" } } }],
    });
    const options = { input: { prompt: "x" }, wait: { mode: "block", timeout: 1 } } as const;
    expect(await plainClient(emulator).run(FLUX, options)).toBeUndefined();
    expect(emulator.ledger()).toMatchObject([{ status: "starting" }]);
  });

  test("throws what the model failed with", async () => {
    const emulator = await instantEmulator({
      faults: [
        { ...FAULTY, fault: { type: "outcome", outcome: { kind: "failed", error: "E1001: OOM" } } },
      ],
    });
    const running = plainClient(emulator).run(LLAMA, { input: { prompt: "x" } });
    await expect(running).rejects.toThrow("Prediction failed: E1001: OOM");
  });
});

describe("stream", () => {
  test("gives the text as it comes and ends with done", async () => {
    const emulator = await instantEmulator({ bootMs: 20 });
    const events: string[] = [];
    let text = "";
    for await (const { event, data } of plainClient(emulator).stream(LLAMA, {
      input: { prompt: CONCEPT_PROMPT },
    })) {
      events.push(event);
      if (event === "output") text += data;
    }
    expect(JSON.parse(text)).toHaveProperty("headline");
    expect(events.at(-1)).toBe("done");
  });

  test("knows a stream of files by its address", async () => {
    const emulator = await instantEmulator();
    const kinds: string[] = [];
    for await (const { event, data } of plainClient(emulator).stream(FLUX, {
      input: { prompt: "x", num_outputs: 2 },
    })) {
      const blob: unknown = Reflect.get(Object(data), "blob");
      kinds.push(typeof blob === "function" ? `${event} file` : event);
    }
    expect(kinds).toEqual(["output file", "output file", "done"]);
  });

  test("throws the error event of a failed prediction", async () => {
    const emulator = await instantEmulator({
      faults: [
        { ...FAULTY, fault: { type: "outcome", outcome: { kind: "failed", error: "NSFW" } } },
      ],
    });
    const reading = async (): Promise<void> => {
      for await (const _event of plainClient(emulator).stream(LLAMA, { input: { prompt: "x" } }));
    };
    await expect(reading()).rejects.toThrow('{"detail":"NSFW"}');
  });

  test("refuses a model that cannot stream", async () => {
    const emulator = await instantEmulator();
    const image = "data:image/png;base64,AA==";
    const stream = plainClient(emulator).stream(NSFW_VERSION, {
      input: { image },
    });
    await expect(stream.next()).rejects.toThrow("does not support streaming");
  });
});

describe("the other calls", () => {
  test("create waits where it is told to, and an outdated answer is completed by a look", async () => {
    const replicate = clientOf(await instantEmulator());
    const input = { prompt: CONCEPT_PROMPT };
    const created = await replicate.predictions.create({ model: LLAMA, input, wait: 5 });
    expect(created.status).toBe("processing");
    expect((await replicate.predictions.get(created.id)).status).toBe("succeeded");
    expect((await replicate.predictions.cancel(created.id)).status).toBe("succeeded");
  });

  test("deployments are listed, read and run", async () => {
    const replicate = clientOf(await instantEmulator());
    const { results } = await replicate.deployments.list();
    expect(results.map(({ owner, name }) => `${owner}/${name}`)).toContain("emulated/flux-schnell");
    const { current_release: release } = await replicate.deployments.get(
      "emulated",
      "flux-schnell",
    );
    expect(release.model).toBe(FLUX);
    const created = await replicate.deployments.predictions.create("emulated", "flux-schnell", {
      input: { prompt: "x" },
    });
    const done = await replicate.wait(created, { interval: 1 });
    expect(done).toMatchObject({ status: "succeeded", version: release.version });
  });

  test("a deployment of one's own runs the model that was named", async () => {
    const mine = { owner: "acme", name: "writer", model: LLAMA };
    const replicate = clientOf(await instantEmulator({ deployments: [mine] }));
    const input = { prompt: CONCEPT_PROMPT };
    const created = await replicate.deployments.predictions.create("acme", "writer", { input });
    expect(created.model).toBe(LLAMA);
    const stranger = replicate.deployments.predictions.create("acme", "painter", { input });
    await expect(stranger).rejects.toThrow("404");
  });

  test("files are made, listed, read, used as an input and deleted", async () => {
    const replicate = clientOf(await instantEmulator());
    const file = await replicate.files.create(new Blob(["bytes"], { type: "image/png" }));
    expect((await replicate.files.list()).results).toMatchObject([{ id: file.id }]);
    expect(await replicate.files.get(file.id)).toEqual(file);
    const output = await replicate.run(NSFW_VERSION, {
      // A blob is uploaded on the way.
      input: { image: new Blob(["bytes"], { type: "image/png" }) },
    });
    expect(output).toBe("normal");
    expect(await replicate.files.delete(file.id)).toBe(true);
  });

  test("paginate walks every page of predictions and of models", async () => {
    const replicate = clientOf(await instantEmulator({ pageSize: 2 }));
    for (let index = 0; index < 5; index += 1)
      await replicate.predictions.create({ model: LLAMA, input: { prompt: String(index) } });
    const sizes: number[] = [];
    for await (const page of replicate.paginate(() => replicate.predictions.list()))
      sizes.push(page.length);
    for await (const page of replicate.paginate(() => replicate.models.list()))
      sizes.push(page.length);
    expect(sizes).toEqual([2, 2, 1, 2, 1]);
  });

  test("models are searched, versions read, the account and its hardware told", async () => {
    const replicate = clientOf(await instantEmulator());
    const found = await replicate.models.search("image generation");
    expect(found.results.map(({ name }) => name)).toEqual(["flux-schnell"]);
    const [owner, rest = ""] = NSFW_VERSION.split("/");
    const [name = "", id = ""] = rest.split(":");
    const version = await replicate.models.versions.get(String(owner), name, id);
    expect(version.id).toBe(id);
    expect(await replicate.models.versions.list(String(owner), name)).toMatchObject({
      results: [{ id }],
    });
    expect((await replicate.accounts.current()).username).toBe("emulated");
    expect((await replicate.hardware.list())[0]?.sku).toBe("cpu");
  });

  test("its errors tell status and detail", async () => {
    const emulator = await instantEmulator({ token: "r8_right" });
    const replicate = clientOf(emulator);
    const stranger = clientOf({ ...emulator, token: "r8_wrong" });
    await expect(stranger.accounts.current()).rejects.toThrow(
      /failed with status 401 Unauthorized: .*valid authentication token/u,
    );
    const refused = replicate.predictions.create({ model: LLAMA, input: {} });
    await expect(refused).rejects.toThrow(/status 422 .*prompt is required/u);
  });

  test("validateWebhook agrees with every delivery and with nothing else", async () => {
    const emulator = await instantEmulator();
    const { url, deliveries } = await receiver();
    const replicate = clientOf(emulator);
    const request = { model: LLAMA, input: { prompt: "x" }, webhook: url };
    await replicate.predictions.create({ ...request, webhook_events_filter: ["completed"] });
    await eventually(() => deliveries).toHaveLength(1);
    const [delivery] = deliveries;
    if (delivery === undefined) throw new Error("no delivery");
    const { key: secret } = await replicate.webhooks.default.secret.get();
    expect(await validateWebhook({ ...delivery, secret })).toBe(true);
    expect(await validateWebhook({ ...delivery, body: `${delivery.body} `, secret })).toBe(false);
    const other = (await instantEmulator()).webhookSecret;
    expect(await validateWebhook({ ...delivery, secret: other })).toBe(false);
  });
});
