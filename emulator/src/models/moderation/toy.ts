/** The nsfwjs classifier as the stand-in for falcons-ai/nsfw_image_detection. Reads PNG only. */
import { decodePng } from "../../images/png.ts";
import type { Toy } from "../worker-messages.ts";
import { loadClassifier } from "./classifier.ts";

export async function loadToy(): Promise<Toy> {
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
