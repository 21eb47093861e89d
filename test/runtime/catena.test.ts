/** Catena as its users have it: promises, two in one process, options that name what is wrong, an end that ends. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Context, Effect, Latch, Layer, Schema } from "effect";
import { afterAll, describe, expect, it } from "vitest";
import {
  Catena,
  CatenaStopped,
  JobCancelled,
  JobFailed,
  JobUnavailable,
  Pipeline,
  ProviderFailure,
  StartError,
  Step,
  ValidationFailure,
} from "../../src/index.ts";
import { MemoryJournals, MemoryJournalStore } from "../../src/runtime/journal-stores/memory.ts";
import { MemoryAssets } from "../../src/steps/asset-stores/memory.ts";
import { chainOf, newScript } from "./support/chains.ts";

const folder = await mkdtemp(join(tmpdir(), "catena-facade-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const quick = { lookEvery: "10 millis" } as const;
const down = new ProviderFailure({ reason: "Unavailable", provider: "acme", detail: "down" });

const oneStep = (run: (input: string) => Promise<string> | string, name = "one") =>
  Pipeline.make(name, { version: 1, input: Schema.String })
    .step(Step.make("only", { input: Schema.String, output: Schema.String, run }))
    .output(Schema.String, ({ last }) => last);

describe("Catena", () => {
  it("refuses words that do not exist where they would mean everything, or cost twice", async () => {
    const chain = oneStep((text) => text);
    await using catena = await Catena.start({ ...quick, pipelines: [chain] });
    const { deadLetters } = catena;
    // What plain JavaScript might say, or an object that was made elsewhere.
    const misspelt = (words: object): object => words;
    const job = await catena.submit(chain, "x");
    const cases: ReadonlyArray<readonly [() => Promise<unknown>, string]> = [
      [
        () => catena.submit(chain, "x", misspelt({ idempotencykey: "order-17" })),
        'Catena.submit: expected nothing but idempotencyKey, got "idempotencykey"',
      ],
      [
        () => catena.jobs(misspelt({ state: "failed" })),
        "Catena.jobs: expected nothing but status",
      ],
      [
        () => catena.jobs(misspelt({ status: "fialed" })),
        'expected status to be one of pending, processing, failed, complete, cancelled, got "fialed"',
      ],
      [() => catena.notifications(misspelt({ state: "lost" })), "expected state to be one of due,"],
      [
        () => deadLetters.list(misspelt({ reason: "x" })),
        "Catena.deadLetters.list: expected nothing",
      ],
      [() => deadLetters.redriveAll(misspelt({ causes: "x" })), 'got "causes"'],
      [
        () => deadLetters.discardAll(misspelt({ cause: undefined })),
        "discardAll: expected cause to say which letters, got undefined ({} is all of them)",
      ],
      [() => deadLetters.redrive(job.id, misspelt({ fresh: true })), 'got "fresh"'],
      [
        () => job.retry(misspelt({ fresh: true })),
        'Job.retry: expected nothing but isFresh, got "fresh"',
      ],
    ];
    for (const [ask, words] of cases) await expect(ask(), words).rejects.toThrow(words);
    // @ts-expect-error a name is no pipeline
    await expect(catena.submit("one", "x")).rejects.toThrow("Catena.submit: expected a pipeline");
    // @ts-expect-error plain JavaScript
    await expect(Catena.start()).rejects.toThrow("expected options to be an object with pipelines");
    expect(await catena.jobs()).toHaveLength(1);
  });

  it("answers how a job ended: complete, failed, cancelled", async () => {
    const script = newScript();
    const chain = chainOf(script);
    await using catena = await Catena.start({ ...quick, pipelines: [chain] });
    const done = await catena.submit(chain, "x");
    expect(await done.outcome()).toEqual({ status: "complete", output: "x>first>second>third" });
    expect(await done.result()).toBe("x>first>second>third");

    script.work["second"] = () => Effect.fail(down);
    const failed = await catena.submit(chain, "x");
    expect(await failed.outcome()).toMatchObject({
      status: "failed",
      step: "second",
      kind: "provider",
      failure: { _tag: "ProviderFailure", reason: "Unavailable" },
      message: "A model provider could not finish the work.",
    });
    const rejected = await failed.result().catch((error: unknown) => error);
    expect(rejected).toBeInstanceOf(JobFailed);
    expect(rejected).toMatchObject({ jobId: failed.id, step: "second", kind: "provider" });
    expect(String(rejected)).toContain("failed at second: A model provider could not");

    script.work["second"] = () => Effect.never;
    const cancelled = await catena.submit(chain, "x");
    await cancelled.cancel();
    expect(await cancelled.outcome()).toEqual({ status: "cancelled" });
    await expect(cancelled.result()).rejects.toBeInstanceOf(JobCancelled);
  });

  it("shows users of a bug nothing but that a step failed, and operators its line", async () => {
    const pipeline = oneStep(() => {
      throw new TypeError("the secret is 42");
    });
    await using catena = await Catena.start({ ...quick, pipelines: [pipeline] });
    const job = await catena.submit(pipeline, "x");
    const outcome = await job.outcome();
    expect(outcome).toMatchObject({ status: "failed", kind: "defect", message: "step failed" });
    await expect(job.result()).rejects.toThrow(/^Job .* failed at only: step failed$/);
    const { record } = await job.state();
    expect(record.errorMessage).toMatch(/^TypeError: the secret is 42 \(at .*catena\.test\.ts:\d+/);
  });

  it.each<[string, unknown, RegExp]>([
    ["nothing at all", undefined, /thrown: undefined/],
    ["a bare object", Object.create(null), /thrown: /],
    ["an object whose words throw", hostile(), /thrown: /],
    ["an error whose stack throws", hostileError(), /^thrown: /],
    ["a symbol", Symbol("odd"), /thrown: Symbol\(odd\)/],
  ])("records whatever a step throws: %s", async (_, thrown, said) => {
    const pipeline = oneStep(() => {
      throw thrown;
    });
    await using catena = await Catena.start({ ...quick, pipelines: [pipeline] });
    const job = await catena.submit(pipeline, "x");
    expect(await job.outcome()).toMatchObject({ status: "failed", kind: "defect" });
    expect((await job.state()).record.errorMessage).toMatch(said);
  });

  it("refuses an input that does not fit, and names the place", async () => {
    const pipeline = Pipeline.make("typed", {
      version: 1,
      input: Schema.Struct({ size: Schema.Number.check(Schema.isGreaterThan(0)) }),
    })
      .step(
        Step.make("size", {
          input: Schema.Struct({ size: Schema.Number }),
          output: Schema.Number,
          run: ({ size }) => size,
        }),
      )
      .output(Schema.Number, ({ last }) => last);
    await using catena = await Catena.start({ ...quick, pipelines: [pipeline] });
    const refused = await catena.submit(pipeline, { size: -1 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ValidationFailure);
    expect(refused).toMatchObject({ at: "input", issues: [{ path: "size" }] });
    expect(await catena.jobs()).toEqual([]);
  });

  it.each([[["order-17"]], [{}], [17], [""], ["acme\u001fk"]])(
    "refuses %o as an idempotency key",
    async (idempotencyKey: unknown) => {
      const chain = chainOf(newScript());
      await using catena = await Catena.start({ ...quick, pipelines: [chain] });
      // What users of plain JavaScript may hand over.
      const options = { idempotencyKey } as { readonly idempotencyKey: string };
      const refused = await catena.submit(chain, "x", options).catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(ValidationFailure);
      expect(refused).toMatchObject({ at: "input", issues: [{ path: "idempotencyKey" }] });
      expect(await catena.jobs()).toEqual([]);
    },
  );

  it("finds a job by its id, and says so where there is none, or where it is another pipeline's", async () => {
    const [chain, other] = [chainOf(newScript()), chainOf(newScript(), {}, "other")];
    await using catena = await Catena.start({ ...quick, pipelines: [chain, other] });
    const { id } = await catena.submit(chain, "x");
    const found = await catena.job(chain, id);
    expect(found.isNew).toBe(false);
    expect(await found.result()).toBe("x>first>second>third");
    await expect(catena.job(chain, "nobody")).rejects.toBeInstanceOf(JobUnavailable);
    await expect(catena.job(other, id)).rejects.toThrow(/is of the pipeline chain@1, not other@1/);
  });

  it("goes on whatever the inspector throws or rejects with", async () => {
    const chain = chainOf(newScript());
    let seen = 0;
    const inspect = () => {
      seen += 1;
      if (seen % 2 === 0) throw new Error("the inspector is broken");
      return Promise.reject(new Error("the inspector is broken"));
    };
    // oxlint-disable-next-line typescript/no-misused-promises -- the compiler lets it pass, so it will be passed
    await using catena = await Catena.start({ ...quick, pipelines: [chain], inspect });
    const job = await catena.submit(chain, "x");
    expect(await job.result()).toBe("x>first>second>third");
    expect(seen).toBeGreaterThan(2);
  });

  it("lives twice in one process, over one file or over two", async () => {
    const [script, other] = [newScript(), newScript()];
    const [one, two] = [chainOf(script, {}, "a"), chainOf(other, {}, "b")];
    const store = join(folder, "shared.db");
    await using first = await Catena.start({ ...quick, pipelines: [one], store });
    await using second = await Catena.start({ ...quick, pipelines: [two], store });
    await using apart = await Catena.start({ ...quick, pipelines: [one] });
    const jobs = await Promise.all([
      first.submit(one, "x"),
      second.submit(two, "y"),
      apart.submit(one, "z"),
    ]);
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([
      "x>first>second>third",
      "y>first>second>third",
      "z>first>second>third",
    ]);
    expect(await first.jobs()).toHaveLength(2);
    expect(await apart.jobs()).toHaveLength(1);
  });

  describe("when it stops", () => {
    it("stops once, however often it is told to", async () => {
      const chain = chainOf(newScript());
      const catena = await Catena.start({ ...quick, pipelines: [chain] });
      const stopped = catena.stop();
      expect(catena.stop()).toBe(stopped);
      await stopped;
      await catena[Symbol.asyncDispose]();
    });

    it("tells everybody who still waits, and whoever asks later", async () => {
      const chain = chainOf(newScript({ second: () => Effect.never }));
      const journals = new MemoryJournals();
      const store = MemoryJournalStore.make(journals);
      const catena = await Catena.start({ ...quick, pipelines: [chain], store, concurrency: 1 });
      const running = await catena.submit(chain, "x");
      const pending = await catena.submit(chain, "y");
      const ends = [running.outcome(), pending.outcome()].map((end) =>
        end.catch((error: unknown) => error),
      );
      await catena.stop();
      for (const end of ends) expect(await end).toBeInstanceOf(CatenaStopped);
      await expect(catena.submit(chain, "z")).rejects.toBeInstanceOf(CatenaStopped);
      await expect(running.outcome()).rejects.toBeInstanceOf(CatenaStopped);
      await expect(running.cancel()).rejects.toBeInstanceOf(CatenaStopped);
      await expect(catena.jobs()).rejects.toBeInstanceOf(CatenaStopped);
      expect(catena.readiness()).toEqual({ isReady: false, reasons: ["this Catena was stopped"] });
      expect(journals.files.size).toBe(2);
    });

    it("lets jobs go where they stand, and a next start takes them up", async () => {
      const script = newScript({ second: () => Effect.never });
      const chain = chainOf(script);
      const options = { ...quick, pipelines: [chain], store: join(folder, "again.db") } as const;
      const before = await Catena.start(options);
      const { id } = await before.submit(chain, "x");
      while (script.callsOf("second").length === 0) await new Promise(setImmediate);
      await before.stop();
      delete script.work["second"];
      await using after = await Catena.start(options);
      expect(after.recovered).toBe(1);
      expect(await (await after.job(chain, id)).result()).toBe("x>first>second>third");
      expect(script.callsOf("first")).toHaveLength(1);
    });

    it("leaves no timer and no fiber behind: the process ends", async () => {
      const program = join(import.meta.dirname, "support", "stopping-program.ts");
      const { stdout } = await promisify(execFile)(process.execPath, [program, folder], {
        timeout: 15_000,
      });
      expect(stdout.trim()).toBe("stopped");
    });
  });

  describe("refuses to start", () => {
    const chain = chainOf(newScript());
    const wrong: ReadonlyArray<readonly [string, object]> = [
      ["concurrency", { concurrency: 0 }],
      ["concurrency", { concurrency: 1.5 }],
      ["orphanGrace", { orphanGrace: "soon" }],
      ["closeGrace", { closeGrace: -1 }],
      ["passivateAfter", { passivateAfter: Number.NaN }],
      ["pollEvery", { pollEvery: 0 }],
      ["lookEvery", { lookEvery: "0 millis" }],
      ["recoverEvery", { recoverEvery: 0 }],
      ["durability", { durability: "nromal" }],
      ["rate.createsPerMinute", { rate: { createsPerMinute: 0, burst: 1 } }],
      ["rate.burst", { rate: { createsPerMinute: 60, burst: Number.NaN } }],
      ["inspect", { inspect: "yes" }],
      ["store", { store: "" }],
      ["store", { store: null }],
      ["store", { store: {} }],
      ["assets", { assets: 5 }],
      ["models", { models: null }],
      ["models.acme", { models: { acme: "key" } }],
      ["assets", { assets: "" }],
      ["pipelines", { pipelines: [] }],
      ["options", { budgetUsdPerJbo: 1 }],
      ["http", { http: { corsOrigin: [] } }],
      ["prices", { prices: [] }],
      ["prices.a/b", { prices: { "a/b": null } }],
      ["prices.a/b.unit", { prices: { "a/b": { unit: "imag", usdPerImage: 1 } } }],
      ["prices.a/b.usdPerImage", { prices: { "a/b": { unit: "image", usdPerImage: -1 } } }],
      ["prices.a/b.usdPerSecond", { prices: { "a/b": { unit: "second" } } }],
      ["prices.a/b", { prices: { "a/b": { unit: "image", usdPerImage: 1, usd: 1 } } }],
      ["pipelines", { pipelines: [chain, chain] }],
      ["pipelines[0]", { pipelines: [{}] }],
    ];
    it.each(wrong)("with %s as in %o, and names it", async (field, part) => {
      const refused = await Catena.start({ ...quick, pipelines: [chain], ...part }).catch(
        (error: unknown) => error,
      );
      expect(refused).toBeInstanceOf(StartError);
      expect(refused).toMatchObject({ field });
      expect(String(refused)).toMatch(/^StartError: Catena\.start: expected .* to be .*, got /);
    });

    class Paint extends Context.Service<Paint, { readonly colour: string }>()("test/Paint") {}
    const painting = Pipeline.make("painting", { version: 1, input: Schema.String })
      .step(
        Step.make("paint", {
          input: Schema.String,
          output: Schema.String,
          run: () => Paint.use(({ colour }) => Effect.succeed(colour)),
        }),
      )
      .output(Schema.String, ({ last }) => last);

    it("where the layer cannot be built, and closes what it had opened", async () => {
      const store = join(folder, "layer.db");
      const layer = Layer.effect(Paint, Effect.fail(new Error("there is no paint")));
      await expect(Catena.start({ ...quick, pipelines: [painting], store, layer })).rejects.toThrow(
        "there is no paint",
      );
      const closed = Latch.makeUnsafe(false);
      const built = Layer.effect(
        Paint,
        Effect.acquireRelease(Effect.succeed({ colour: "red" }), () =>
          Effect.sync(() => closed.openUnsafe()),
        ),
      );
      await expect(
        Catena.start({ ...quick, pipelines: [painting], store: folder, layer: built }),
      ).rejects.toThrow(/could not open/);
      await Effect.runPromise(closed.await);
      await using catena = await Catena.start({
        ...quick,
        pipelines: [painting],
        store,
        layer: Layer.succeed(Paint, { colour: "blue" }),
      });
      expect(await (await catena.submit(painting, "x")).result()).toBe("blue");
    });
  });
});

describe("large values", () => {
  const big = "x".repeat(100_000);

  it("go to the asset store and come back: input, step outputs, output", async () => {
    const script = newScript();
    const chain = chainOf(script);
    const journals = new MemoryJournals();
    const store = MemoryJournalStore.make(journals);
    const assets = MemoryAssets.make();
    await using catena = await Catena.start({ ...quick, pipelines: [chain], store, assets });
    const job = await catena.submit(chain, big);
    expect(await job.result()).toBe(`${big}>first>second>third`);
    const { record, entries } = await job.state();
    expect(record.inputPayload).toMatchObject({ asset: expect.any(String), sizeBytes: 100_002 });
    expect(record.normalizedOutput).toHaveProperty("asset");
    expect(JSON.stringify(entries).length).toBeLessThan(10_000);
    expect(JSON.stringify(journals.files.get(job.id)?.job).length).toBeLessThan(10_000);
  });

  it("are decoded for a mapper only where it looks", async () => {
    let decoded = 0;
    const Counted = Schema.String.check(
      Schema.makeFilter(() => {
        decoded += 1;
        return undefined;
      }),
    );
    const step = <const Name extends string>(name: Name) =>
      Step.make(name, { input: Schema.String, output: Counted, run: (text: string) => text });
    const pipeline = Pipeline.make("lazy", { version: 1, input: Schema.String })
      .step(step("a"))
      .step(step("b"))
      .step(step("c"), ({ outputs }) => outputs.b)
      .output(Schema.String, () => "done");
    await using catena = await Catena.start({ ...quick, pipelines: [pipeline] });
    const job = await catena.submit(pipeline, "x");
    expect(await job.result()).toBe("done");
    // Three encodings; `a`'s output for `b`, whose input has another schema; `b`'s for the mapper of `c`.
    expect(decoded).toBe(5);
  });

  it("that no longer fit a changed schema fail the step with the place that does not fit", async () => {
    const make = <A>(schema: Schema.Codec<A, unknown>, run: (input: A) => string) =>
      Pipeline.make("changed", { version: 1, input: schema })
        .step(Step.make("only", { input: schema, output: Schema.String, run }))
        .output(Schema.String, ({ last }) => last);
    const journals = new MemoryJournals();
    const old = make(Schema.Struct({ name: Schema.String }), () => {
      throw new Error("not yet");
    });
    const before = await Catena.start({
      ...quick,
      pipelines: [old],
      store: MemoryJournalStore.make(journals),
    });
    const failed = await before.submit(old, { name: "x" });
    await failed.outcome();
    await before.stop();
    const changed = make(Schema.Struct({ name: Schema.Number }), ({ name }) => String(name));
    await using after = await Catena.start({
      ...quick,
      pipelines: [changed],
      store: MemoryJournalStore.make(journals),
    });
    const job = await after.job(changed, failed.id);
    await job.retry();
    expect(await job.outcome()).toMatchObject({ status: "failed", step: "only" });
    expect((await job.state()).record.errorMessage).toMatch(/input is not valid: name: /);
  });
});

function hostile(): object {
  return {
    toString: () => {
      throw new Error("not even words");
    },
  };
}

function hostileError(): Error {
  const error = new Error("plain");
  Object.defineProperty(error, "stack", {
    get: () => {
      throw new Error("no stack either");
    },
  });
  return error;
}
