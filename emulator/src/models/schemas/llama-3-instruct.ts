/** meta/meta-llama-3-8b-instruct: text in, a list of tokens out. */
import type { ModelSpec } from "../model.ts";

const number = (order: number, title: string, rest: object) => ({
  type: "number",
  title,
  "x-order": order,
  ...rest,
});
const integer = (order: number, title: string, rest: object) => ({
  type: "integer",
  title,
  "x-order": order,
  ...rest,
});
const text = (order: number, title: string, rest: object) => ({
  type: "string",
  title,
  "x-order": order,
  ...rest,
});

export const llama3Instruct: ModelSpec = {
  owner: "meta",
  name: "meta-llama-3-8b-instruct",
  kind: "copywriter",
  isOfficial: true,
  streams: "text",
  description: "An 8 billion parameter language model from Meta, fine tuned for chat completions",
  schemas: {
    Input: {
      type: "object",
      title: "Input",
      required: ["prompt"],
      properties: {
        prompt: text(2, "Prompt", { description: "Prompt to send to the model." }),
        system_prompt: text(3, "System Prompt", { default: "You are a helpful assistant" }),
        top_k: integer(0, "Top K", { default: 50, minimum: 0 }),
        top_p: number(1, "Top P", { default: 0.9, minimum: 0, maximum: 1 }),
        max_tokens: integer(4, "Max Tokens", { default: 512, minimum: 1 }),
        max_new_tokens: integer(5, "Max New Tokens", { nullable: true, minimum: 1 }),
        min_tokens: integer(6, "Min Tokens", { default: 0, minimum: 0 }),
        temperature: number(7, "Temperature", { default: 0.6, minimum: 0, maximum: 5 }),
        stop_sequences: text(8, "Stop Sequences", { default: "<|end_of_text|>,<|eot_id|>" }),
        length_penalty: number(9, "Length Penalty", { default: 1 }),
        presence_penalty: number(10, "Presence Penalty", { default: 0 }),
        frequency_penalty: number(11, "Frequency Penalty", { default: 0 }),
        prompt_template: text(12, "Prompt Template", { default: "{prompt}" }),
        log_performance_metrics: {
          type: "boolean",
          title: "Log Performance Metrics",
          default: false,
          "x-order": 13,
        },
        seed: integer(14, "Seed", {
          nullable: true,
          description: "Random seed. Leave blank to randomize the seed.",
        }),
      },
    },
    Output: {
      type: "array",
      title: "Output",
      items: { type: "string" },
      "x-cog-array-type": "iterator",
      "x-cog-array-display": "concatenate",
    },
  },
};
