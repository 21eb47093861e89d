/** Reads model.json and weights.bin of the tiny copywriter; 8-bit tensors become 32-bit floats with their row's scale. */
import { readFileSync } from "node:fs";
import { isJsonObject, parseJson, type JsonObject } from "../../json.ts";

export interface Weights {
  readonly vocab: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly context: number;
  /** A tensor by its name, row-major. Throws where there is none: the two files do not belong together. */
  readonly tensor: (name: string) => Float32Array;
}

const DIRECTORY = new URL("../../../models/tiny-copywriter/", import.meta.url);

/** Takes some 10 ms; the result is about 4 MB. */
export function readWeights(): Weights {
  const model = parseJson(readFileSync(new URL("model.json", DIRECTORY), "utf8"));
  if (!isJsonObject(model)) throw new Error("model.json of the tiny copywriter is not readable");
  const bytes = readFileSync(new URL("weights.bin", DIRECTORY));
  const tensors = member(model, "tensors");
  const config = member(model, "config");
  return {
    vocab: listOf(model["vocab"]).map(String),
    merges: listOf(model["merges"]).map((pair) => {
      const [left, right] = listOf(pair);
      return [String(left), String(right)];
    }),
    width: Number(config["d"]),
    heads: Number(config["heads"]),
    layers: Number(config["layers"]),
    context: Number(config["ctx"]),
    tensor: (name) => readTensor(member(tensors, name), bytes),
  };
}

function readTensor(description: JsonObject, bytes: Buffer): Float32Array {
  const [rows = 1, columns = 1] = listOf(description["shape"]).map(Number);
  const offset = Number(description["offset"]);
  const values = new Float32Array(rows * columns);
  const isQuantised = description["dtype"] === "i8";
  const scaleOffset = Number(description["scaleOffset"]);
  for (let row = 0; row < rows; row += 1) {
    const scale = isQuantised ? bytes.readFloatLE(scaleOffset + row * 4) : 1;
    for (let column = 0; column < columns; column += 1) {
      const at = row * columns + column;
      values[at] = isQuantised
        ? bytes.readInt8(offset + at) * scale
        : bytes.readFloatLE(offset + at * 4);
    }
  }
  return values;
}

function member(value: JsonObject, name: string): JsonObject {
  const found = value[name];
  if (!isJsonObject(found)) throw new Error(`model.json of the tiny copywriter has no ${name}`);
  return found;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
