/**
 * References to another tenant's file that a job makes by itself, of a text that a user or a model wrote: whichever
 * way one comes about, no byte of the file reaches a model, a step or an output, and nobody is told that it is there.
 */
import { Effect, Option, Schema } from "effect";
import { describe, expect, it } from "vitest";
import {
  Asset,
  AssetStore,
  Catena,
  Functions,
  Pipeline,
  type RuntimeOptions,
  Step,
} from "../../../src/index.ts";
import { admin, ask, base, type Holder, holderOf, quick } from "./support/api.ts";

const secretBytes = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x5e, 0xc2]);
const secretText = Buffer.from(secretBytes).toString("base64");

/** What the host's own code makes of a hash, wherever it has it from. */
const forged = (sha256: string): Asset => ({
  sha256,
  url: `memory:${sha256}`,
  contentType: "image/png",
  sizeBytes: secretBytes.length,
});

const Named = Schema.Struct({ sha256: Schema.String });
const Held = Schema.Struct({ picture: Asset.Image });
/** A file as a text: no reference that anybody could see from outside. */
const Hidden = Schema.Struct({ picture: Schema.fromJsonString(Asset.Image) });

const lookOptions = { output: Schema.String, model: "house/viewer" } as const;
const look = Step.model("look", {
  ...lookOptions,
  input: Asset.Image,
  request: (image) => ({ image }),
});

/** A step's output is the reference. */
const bySteps = Pipeline.make("by-steps", { version: 1, input: Named })
  .step(
    Step.make("forge", { input: Named, output: Asset.Image, run: ({ sha256 }) => forged(sha256) }),
  )
  .step(look)
  .output(Schema.String, ({ last }) => last);

/** The mapper before a step makes it. */
const byMapper = Pipeline.make("by-mapper", { version: 1, input: Named })
  .step(look, ({ input }) => forged(input.sha256))
  .output(Schema.String, ({ last }) => last);

/** The request itself makes it, deep in it. */
const byRequest = Pipeline.make("by-request", { version: 1, input: Named })
  .step(
    Step.model("look", {
      ...lookOptions,
      input: Named,
      request: ({ sha256 }) => ({ images: [{ inner: { ...forged(sha256), more: 1 } }] }),
    }),
  )
  .output(Schema.String, ({ last }) => last);

/** The input holds it where nobody who only reads JSON sees it. */
const byInput = Pipeline.make("by-input", { version: 1, input: Hidden })
  .step(look, ({ input }) => input.picture)
  .output(Schema.String, ({ last }) => last);

/** A signal holds it in the same way. */
const bySignal = Pipeline.make("by-signal", { version: 1, input: Named })
  .step(Step.signal("picture", { input: Named, output: Hidden }))
  .step(look, ({ last }) => last.picture)
  .output(Schema.String, ({ last }) => last);

/** A model's answer is read as one. */
const byModel = Pipeline.make("by-model", { version: 1, input: Named })
  .step(
    Step.model("answer", {
      input: Named,
      output: Held,
      model: "house/forger",
      request: ({ sha256 }) => ({ prompt: sha256 }),
    }),
  )
  .step(look, ({ last }) => last.picture)
  .output(Schema.String, ({ last }) => last);

/** The pipeline's output makes it. */
const byOutput = Pipeline.make("by-output", { version: 1, input: Named })
  .step(Step.make("name", { input: Named, output: Named, run: (named) => named }))
  .output(Schema.Struct({ deep: Schema.Array(Held) }), ({ last }) => ({
    deep: [{ picture: forged(last.sha256) }],
  }));

/** A step takes it to the asset store, in each way there is. */
const byStore = Pipeline.make("by-store", { version: 1, input: Named })
  .step(
    Step.make("read", {
      input: Named,
      output: Schema.Json,
      run: ({ sha256 }) =>
        Effect.gen(function* () {
          const assets = yield* AssetStore;
          const got = Option.map(yield* assets.get(sha256), ({ bytes }) =>
            Buffer.from(bytes).toString("base64"),
          );
          const opened = Option.map(yield* assets.open(sha256), ({ asset }) => asset.contentType);
          const touched = yield* assets.touch(sha256);
          const removed = yield* assets.remove({ sha256, before: 0, isFree: Effect.succeed(true) });
          return [Option.getOrNull(got), Option.getOrNull(opened), touched, removed];
        }).pipe(Effect.orDie),
    }),
  )
  .output(Schema.Json, ({ last }) => last);

const acme = holderOf("a", ["submit", "read"], "acme");
const brook = holderOf("b", ["submit", "read"], "brook");

const takesAnything = { type: "object", properties: { image: {}, images: {}, prompt: {} } };

const start = async (options: RuntimeOptions = {}) => {
  const shown: Array<unknown> = [];
  const models = Functions.client({
    models: {
      "house/viewer": {
        input: takesAnything,
        run: (input) => {
          shown.push(input);
          return "seen";
        },
      },
      "house/forger": {
        input: takesAnything,
        run: ({ prompt }) =>
          JSON.stringify({ picture: forged(typeof prompt === "string" ? prompt : "") }),
      },
    },
  });
  const catena = await Catena.start({
    ...quick,
    pollEvery: "10 millis",
    store: "memory",
    models,
    ...options,
    pipelines: [bySteps, byMapper, byRequest, byInput, bySignal, byModel, byOutput, byStore],
    http: { keys: [admin.key, acme.key, brook.key] },
  });
  const headers = { authorization: `Bearer ${acme.secret}`, "content-type": "image/png" };
  const init = { method: "POST", headers, body: secretBytes };
  const kept = await catena.fetch(new Request(`${base}/assets`, init));
  const { sha256 } = Schema.decodeUnknownSync(Asset.Image)(await kept.json());
  return { catena, shown, sha256 };
};

const run = (catena: Catena, { secret }: Holder, path: string, body: unknown) =>
  ask(catena, path, { secret, body, headers: { prefer: "wait=20" } });

/** The job that is given the hash, to its end. */
const runWith = async (catena: Catena, holder: Holder, path: string, sha256: string) => {
  const picture = JSON.stringify(forged(sha256));
  const { secret } = holder;
  if (path !== "/by-signal")
    return run(catena, holder, path, path === "/by-input" ? { picture } : { sha256 });
  const made = await ask(catena, path, { secret, body: { sha256 } });
  await ask(catena, made.json.links.signals.picture, { secret, body: { picture } });
  return ask(catena, made.json.links.self, { secret, headers: { prefer: "wait=20" } });
};

const toModels = ["/by-steps", "/by-mapper", "/by-request", "/by-input", "/by-signal", "/by-model"];

/** What stands in the answer beside the names of the job and its times. */
const toldIn = ({ json }: Awaited<ReturnType<typeof run>>) => [json.status, json.failure];

describe("a file that another tenant holds", () => {
  it.each(toModels)("is sent to no model, %s", async (path) => {
    const { catena, shown, sha256 } = await start();
    await using _ = catena;
    const stolen = await runWith(catena, brook, path, sha256);
    const absent = await runWith(catena, brook, path, "0".repeat(64));
    expect(toldIn(stolen)).toEqual(toldIn(absent));
    expect(toldIn(stolen)).toMatchObject(["failed", { kind: "validation" }]);
    expect(shown).toEqual([]);
    const inside = await ask(catena, `/jobs/${stolen.json.job_id}`);
    expect(inside.text).toContain("Expected a file that the job's tenant holds");
    // Its own tenant's job, and one of no tenant, go on.
    for (const holder of [acme, admin])
      expect(toldIn(await runWith(catena, holder, path, sha256))[0]).toBe("complete");
    expect(shown).toHaveLength(2);
    expect(JSON.stringify(shown)).toContain(secretText);
  });

  it("is handed out in no output, whatever makes the reference", async () => {
    const { catena, sha256 } = await start();
    await using _ = catena;
    const stolen = await run(catena, brook, "/by-output", { sha256 });
    const absent = await run(catena, brook, "/by-output", { sha256: "0".repeat(64) });
    expect(toldIn(stolen)).toEqual(toldIn(absent));
    expect(toldIn(stolen)).toMatchObject(["failed", { kind: "validation", step: "(output)" }]);
    expect((await run(catena, acme, "/by-output", { sha256 })).json.status).toBe("complete");
    expect((await run(catena, admin, "/by-output", { sha256 })).json.status).toBe("complete");
  });

  it("is not there for a step that asks the asset store by its name", async () => {
    const { catena, sha256 } = await start();
    await using _ = catena;
    const readBy = async (holder: Holder, name: string) =>
      (await run(catena, holder, "/by-store", { sha256: name })).json.output;
    expect(await readBy(brook, sha256)).toEqual([null, null, false, "absent"]);
    expect(await readBy(brook, "0".repeat(64))).toEqual([null, null, false, "absent"]);
    for (const holder of [acme, admin])
      expect(await readBy(holder, sha256)).toEqual([secretText, "image/png", true, "kept"]);
  });
});
