/** The copywriter as the toy behind meta/meta-llama-3-8b-instruct. */
import { seedOf } from "../../random.ts";
import type { Toy } from "../worker-messages.ts";
import { loadCopywriter } from "./copywriter.ts";

const DEFAULT_TEMPERATURE = 0.6;
const DEFAULT_TOP_P = 0.9;
const DEFAULT_TOKENS = 512;

export function loadToy(): Toy {
  const { write, tokenizer } = loadCopywriter();
  return {
    run: async ({ id, input, onPart, isAborted }) => {
      const prompt = String(input["prompt"]);
      const begun = performance.now();
      let firstAt: number | undefined;
      const output = await write(prompt, {
        // Without a seed each prediction draws its own; after a restart it draws the same again.
        seed: Number(input["seed"] ?? seedOf(id)),
        temperature: Number(input["temperature"] ?? DEFAULT_TEMPERATURE),
        topP: Number(input["top_p"] ?? DEFAULT_TOP_P),
        maximumTokens: Number(input["max_tokens"] ?? input["max_new_tokens"] ?? DEFAULT_TOKENS),
        isAborted,
        onPiece: (piece) => {
          firstAt ??= performance.now();
          onPart(piece);
        },
      });
      const seconds = (performance.now() - begun) / 1000;
      const metrics = {
        predict_time: seconds,
        input_token_count: tokenizer.encode(prompt).length,
        output_token_count: output.length - 1,
        time_to_first_token: ((firstAt ?? begun) - begun) / 1000,
        tokens_per_second: (output.length - 1) / seconds,
      };
      return { output, metrics, logs: "emulated: toy model, a 0.9-million-parameter copywriter\n" };
    },
  };
}
