/** Which functions of run steps really run on paths: with their services, without them, and where none is needed. */
import { Context, Effect, Layer, Schema } from "effect";
import { expect, test } from "vitest";
import { AssetStore, Pipeline, Step } from "../../src/index.ts";
import { type PathSuite, paths } from "../../src/testing.ts";

class Printer extends Context.Service<Printer, { print(text: string): string }>()(
  "test/testing/Printer",
) {}

/** A step that needs nothing of ours, one that needs a service of the user's, and one that takes what came of it. */
const book = () => {
  const ran = { bind: 0, print: 0, printed: 0, shelve: new Set<string>() };
  const bind = Step.make("bind", {
    input: Schema.NonEmptyString,
    output: Schema.NonEmptyString,
    run: (text) =>
      AssetStore.useSync(() => {
        ran.bind += 1;
        return `bound ${text}`;
      }),
  });
  const print = Step.make("print", {
    input: Schema.NonEmptyString,
    output: Schema.NonEmptyString,
    run: Effect.fn(function* (text) {
      ran.print += 1;
      const printer = yield* Printer;
      ran.printed += 1;
      return printer.print(text);
    }),
  });
  const shelve = Step.make("shelve", {
    input: Schema.NonEmptyString,
    output: Schema.NonEmptyString,
    run: (text) => {
      ran.shelve.add(text);
      return text;
    },
  });
  const start = Pipeline.make("book", { version: 1, input: Schema.NonEmptyString }).step(bind);
  const shape = ({ last }: { readonly last: string }) => last;
  return {
    ran,
    needy: start.step(print).step(shelve).output(Schema.String, shape),
    alone: start.step(shelve).output(Schema.String, shape),
  };
};

const printing = Layer.succeed(Printer, { print: (text) => `printed ${text}` });

const runAll = async (suite: PathSuite): Promise<void> => {
  for (const path of suite) await path.run();
  expect(suite.uncovered()).toEqual([]);
};

test("a pipeline without services really runs its functions", async () => {
  const { ran, alone } = book();
  const suite = paths(alone);
  await runAll(suite);
  expect(suite.replaced()).toEqual([]);
  expect(ran.bind).toBeGreaterThan(10);
  expect([...ran.shelve].filter((text) => !text.startsWith("bound "))).toEqual([]);
  expect(ran.shelve.size).toBeGreaterThan(0);
});

test("without a layer only the step that asks for a service is substituted, and begun once", async () => {
  const { ran, needy } = book();
  const suite = paths(needy);
  await runAll(suite);
  expect(suite.replaced()).toEqual(["print"]);
  expect(ran).toMatchObject({ print: 1, printed: 0 });
  expect(ran.bind).toBeGreaterThan(10);
});

test("a substituted step answers what it was given to answer", async () => {
  const { ran, needy } = book();
  await runAll(paths(needy, { answers: { print: { valid: "as told" } } }));
  expect([...ran.shelve]).toEqual(["as told"]);
});

test("with a layer every function really runs", async () => {
  const { ran, needy } = book();
  const suite = paths(needy, { layer: printing });
  await runAll(suite);
  expect(suite.replaced()).toEqual([]);
  expect(ran.printed).toBeGreaterThan(10);
  expect([...ran.shelve].filter((text) => !text.startsWith("printed bound "))).toEqual([]);
  expect(ran.shelve.size).toBeGreaterThan(0);
});

test("with a layer a service that is missing all the same fails the path", async () => {
  const { needy } = book();
  // A layer that claims more than it gives.
  const empty: Layer.Layer<Printer> = Layer.effectContext(
    Effect.sync(() => Context.makeUnsafe<Printer>(new Map())),
  );
  await expect(runAll(paths(needy, { layer: empty }))).rejects.toThrow(/Service not found/);
});

test("a step named in replace is not begun at all", async () => {
  const { ran, needy } = book();
  const suite = paths(needy, { replace: ["print", "bind"] });
  await runAll(suite);
  expect(suite.replaced()).toEqual(["print", "bind"]);
  expect(ran).toMatchObject({ bind: 0, print: 0 });
});

test("a defect that only talks of services is a defect", async () => {
  const bad = Step.make("bad", {
    input: Schema.NonEmptyString,
    output: Schema.NonEmptyString,
    run: () => Effect.die(new Error("the service was not found")),
  });
  const pipeline = Pipeline.make("bad", { version: 1, input: Schema.NonEmptyString })
    .step(bad)
    .output(Schema.String, ({ last }) => last);
  await expect(runAll(paths(pipeline))).rejects.toThrow(/the service was not found/);
});

test("a layer is refused by type where no step needs a service, and where it is another's", () => {
  const { alone, needy } = book();
  // @ts-expect-error -- no step needs a service
  expect(() => paths(alone, { layer: printing })).not.toThrow();
  class Other extends Context.Service<Other, number>()("test/testing/Other") {}
  // @ts-expect-error -- not the service that the step needs
  expect(() => paths(needy, { layer: Layer.succeed(Other, 1) })).not.toThrow();
});
