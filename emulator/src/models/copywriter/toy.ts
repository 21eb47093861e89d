/** The copywriter as the toy behind meta/meta-llama-3-8b-instruct. */
import { seedOf } from "../../random.ts";
import { schemaAnswer } from "../schema-answer.ts";
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
      const canned = schemaAnswer(prompt);
      if (canned !== undefined) return saidAtOnce(canned, tokenizer.encode(prompt).length, onPart);
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

/** What the model has not learned, and the prompt's own schema says. */
function saidAtOnce(
  text: string,
  promptTokens: number,
  onPart: (part: string) => void,
): ReturnType<Toy["run"]> {
  const pieces = text.match(/\s?[^\s]+/gu) ?? [];
  for (const piece of pieces) onPart(piece);
  const metrics = {
    predict_time: 0.001,
    input_token_count: promptTokens,
    output_token_count: pieces.length,
  };
  const logs = "emulated: canned answer that fits the JSON Schema in the prompt\n";
  return Promise.resolve({ output: [...pieces, ""], metrics, logs });
}
