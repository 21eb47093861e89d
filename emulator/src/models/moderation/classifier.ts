/**
 * Image moderation with nsfwjs' MobileNet V2 weights on TensorFlow.js (WebAssembly backend), loaded from the
 * installed packages, nothing fetched. The verdict asks only for the two explicit classes: abstract pictures now
 * and then score 0.3 there, far under the threshold.
 */
import { fileURLToPath } from "node:url";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { MobileNetV2Model } from "nsfwjs/models/mobilenet_v2";
import type { Pixels } from "../../images/png.ts";
import { isJsonObject, type JsonObject } from "../../json.ts";

export interface Classification {
  /** Probabilities of the five classes, summing up to one. */
  readonly scores: Readonly<Record<ImageClass, number>>;
  readonly verdict: "normal" | "nsfw";
}

export interface Classifier {
  /** About 0.1 s. */
  readonly classify: (pixels: Pixels) => Classification;
}

/** In the order of the model's output. Source: nsfwjs, nsfw_classes. */
const CLASSES = ["Drawing", "Hentai", "Neutral", "Porn", "Sexy"] as const;
type ImageClass = (typeof CLASSES)[number];

const EXPLICIT_THRESHOLD = 0.7;
const IMAGE_SIZE = 224;

/** Loads backend and weights: about half a second. */
export async function loadClassifier(): Promise<Classifier> {
  setWasmPaths(fileURLToPath(new URL(".", import.meta.resolve("@tensorflow/tfjs-backend-wasm"))));
  setThreadsCount(1);
  await tf.setBackend("wasm");
  await tf.ready();
  const model = await loadLayersModel({ load: readArtifacts });
  return {
    classify: (pixels) => {
      const probabilities = tf.tidy(() => {
        const { width, height, rgb } = pixels;
        const image = tf.tensor3d(
          Float32Array.from(rgb, (value) => value / 255),
          [height, width, 3],
        );
        const resized = tf.image.resizeBilinear(image, [IMAGE_SIZE, IMAGE_SIZE], true);
        const output = model.predict(tf.expandDims(resized, 0));
        if (Array.isArray(output)) throw new Error("the classifier has one output");
        return output.dataSync();
      });
      return judge(probabilities);
    },
  };
}

function judge(probabilities: ArrayLike<number>): Classification {
  const score = (name: ImageClass): number => probabilities[CLASSES.indexOf(name)] ?? 0;
  const scores = {
    Drawing: score("Drawing"),
    Hentai: score("Hentai"),
    Neutral: score("Neutral"),
    Porn: score("Porn"),
    Sexy: score("Sexy"),
  };
  return { scores, verdict: scores.Porn + scores.Hentai >= EXPLICIT_THRESHOLD ? "nsfw" : "normal" };
}

/** The model as TensorFlow.js wants it, out of the modules in which nsfwjs ships it. */
async function readArtifacts(): Promise<tf.io.ModelArtifacts> {
  const model = defaultOf(await MobileNetV2Model.modelJson());
  const bundles = await Promise.all(MobileNetV2Model.weightBundles.map((load) => load()));
  const weights = Buffer.concat(
    bundles.map((bundle) => Buffer.from(String(defaultOf(bundle)), "base64")),
  );
  if (!isModelJson(model)) throw new Error("nsfwjs ships no readable model");
  return {
    modelTopology: model.modelTopology,
    weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(weights).buffer,
  };
}

function defaultOf(module: unknown): unknown {
  return isJsonObject(module) ? module["default"] : undefined;
}

function isModelJson(value: unknown): value is {
  readonly modelTopology: JsonObject;
  readonly weightsManifest: readonly { readonly weights: tf.io.WeightsManifestEntry[] }[];
} {
  return (
    isJsonObject(value) &&
    isJsonObject(value["modelTopology"]) &&
    Array.isArray(value["weightsManifest"])
  );
}
