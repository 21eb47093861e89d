/** The painter as the toy behind black-forest-labs/flux-schnell. */
import { encodePng } from "../../images/png.ts";
import type { OutputFile } from "../engine.ts";
import type { Toy } from "../worker-messages.ts";
import { paint } from "./painter.ts";

const LOGS = "emulated: toy model, an untrained pattern network that paints the prompt's colours\n";

export function loadToy(): Toy {
  return {
    run: async ({ input, isAborted }) => {
      const begun = performance.now();
      const count = Number(input["num_outputs"] ?? 1);
      const files: OutputFile[] = [];
      for (let index = 0; index < count && !isAborted(); index += 1)
        files.push(picture(input, index));
      const metrics = {
        predict_time: (performance.now() - begun) / 1000,
        image_count: files.length,
      };
      return { output: null, files, metrics, logs: LOGS };
    },
  };
}

function picture(input: Readonly<Record<string, unknown>>, index: number): OutputFile {
  const prompt = String(input["prompt"]);
  const seed = typeof input["seed"] === "number" ? input["seed"] + index : index || undefined;
  const aspectRatio = typeof input["aspect_ratio"] === "string" ? input["aspect_ratio"] : undefined;
  const text = { Software: "Catena emulator (toy pattern painter)" };
  return {
    name: `out-${index}.png`,
    contentType: "image/png",
    bytes: encodePng(paint({ prompt, seed, aspectRatio }), text),
  };
}
