import { expect, test } from "vitest";
import { readArguments } from "../../examples/campaign/demo/arguments.ts";

const command = (...words: ReadonlyArray<string>) => readArguments(words, {}).command;

test("without words it runs the example brief in .catena", () => {
  expect(readArguments([], {})).toEqual({
    command: { type: "run", brief: null, killPoint: null },
    folder: ".catena",
    emulatorModels: "real",
  });
});

test("a folder comes from the word, else from the environment", () => {
  const environment = { CATENA_DEMO_DIR: "there" };
  expect(readArguments([], environment).folder).toBe("there");
  expect(readArguments(["--dir", "here"], environment).folder).toBe("here");
});

test("a brief is taken whole", () => {
  const brief = { product_name: "A", audience: "B", value_prop: "C" };
  const words = Object.entries(brief).flatMap(([field, value]) => [`--${field}`, value]);
  expect(command(...words)).toEqual({ type: "run", brief, killPoint: null });
});

test("a kill point is a step and one of its points", () => {
  const killPoint = { step: "image", point: "sent" };
  expect(command("--kill-after", "image:sent")).toEqual({ type: "run", brief: null, killPoint });
});

test.each([
  [["--product_name", "X", "--audience", "Y"], "--value_prop is missing or empty"],
  [
    ["--product_name", "X", "--audience", " ", "--value_prop", "Z"],
    "--audience is missing or empty",
  ],
  [["--product_name"], "--product_name"],
  [["--kill-after", "paint:sent"], "the steps are concept, prompt, image, check, store"],
  [["--kill-after", "store:sent"], "the points started, committed"],
  [["--kill-after", "image:sent:now"], 'got "sent:now"'],
  [["--kill-after", "image:sent", "--kill-after", "store:started"], "--kill-after is given twice"],
  [["--kill-after", "image:sent", "--journal"], "--kill-after means nothing beside --journal"],
  [["--retry", "1", "--product_name", "X"], "--product_name means nothing beside --retry"],
  [["--emulator-models", "gpu"], "real or instant"],
  [["--job", "1"], "--journal"],
  [["--colour"], "--colour"],
  [["words"], "words"],
])("%j is refused in a sentence that names what is wrong", (words, sentence) => {
  expect(() => readArguments(words, {})).toThrow(sentence);
});
