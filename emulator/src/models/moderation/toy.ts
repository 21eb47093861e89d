/** The nsfwjs classifier as the stand-in for falcons-ai/nsfw_image_detection. Reads PNG only. */
import { decodePng } from "../../images/png.ts";
import type { Toy } from "../worker-messages.ts";

const MISSING =
  "the emulator's moderation toy needs packages that are not installed; npm install nsfwjs@4.4.0 @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0, or start it with --models instant";

export async function loadToy(): Promise<Toy> {
  const { loadClassifier } = await import("./classifier.ts").catch(explainMissing);
  const { classify } = await loadClassifier();
  return {
    run: async ({ image }) => {
      if (image === undefined) throw new Error("no image was given");
      const begun = performance.now();
      const { verdict, scores } = classify(decodePng(image));
      const named = Object.entries(scores).map(([name, score]) => `${name} ${score.toFixed(3)}`);
      const logs = `emulated: toy model, nsfwjs MobileNet V2: ${named.join(", ")}\n`;
      return {
        output: verdict,
        metrics: { predict_time: (performance.now() - begun) / 1000 },
        logs,
      };
    },
  };
}

/** The packages are optional: everything but this toy works without them. */
function explainMissing(error: unknown): never {
  const isMissing =
    error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
  throw isMissing ? new Error(MISSING, { cause: error }) : error;
}
