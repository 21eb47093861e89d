/** black-forest-labs/flux-schnell: a prompt in, one to four pictures out. */
import type { ModelSpec } from "../model.ts";

const choice = (schema: string, order: number, rest: object) => ({
  allOf: [{ $ref: `#/components/schemas/${schema}` }],
  "x-order": order,
  ...rest,
});

const choices = (title: string, values: readonly string[]) => ({
  type: "string",
  title,
  description: "An enumeration.",
  enum: values,
});

export const fluxSchnell: ModelSpec = {
  owner: "black-forest-labs",
  name: "flux-schnell",
  kind: "painter",
  isOfficial: true,
  streams: "files",
  description: "The fastest image generation model tailored for local development and personal use",
  schemas: {
    Input: {
      type: "object",
      title: "Input",
      required: ["prompt"],
      properties: {
        prompt: {
          type: "string",
          title: "Prompt",
          description: "Prompt for generated image",
          "x-order": 0,
        },
        aspect_ratio: choice("aspect_ratio", 1, {
          default: "1:1",
          description: "Aspect ratio for the generated image",
        }),
        num_outputs: {
          type: "integer",
          title: "Num Outputs",
          default: 1,
          minimum: 1,
          maximum: 4,
          "x-order": 2,
        },
        num_inference_steps: {
          type: "integer",
          title: "Num Inference Steps",
          default: 4,
          minimum: 1,
          maximum: 4,
          "x-order": 3,
        },
        seed: { type: "integer", title: "Seed", nullable: true, "x-order": 4 },
        output_format: choice("output_format", 5, {
          default: "webp",
          description: "Format of the output images",
        }),
        output_quality: {
          type: "integer",
          title: "Output Quality",
          default: 80,
          minimum: 0,
          maximum: 100,
          "x-order": 6,
        },
        disable_safety_checker: {
          type: "boolean",
          title: "Disable Safety Checker",
          default: false,
          "x-order": 7,
        },
        go_fast: { type: "boolean", title: "Go Fast", default: true, "x-order": 8 },
        megapixels: choice("megapixels", 9, {
          default: "1",
          description: "Approximate number of megapixels for generated image",
        }),
      },
    },
    Output: { type: "array", title: "Output", items: { type: "string", format: "uri" } },
    aspect_ratio: choices("aspect_ratio", [
      "1:1",
      "16:9",
      "21:9",
      "3:2",
      "2:3",
      "4:5",
      "5:4",
      "3:4",
      "4:3",
      "9:16",
      "9:21",
    ]),
    output_format: choices("output_format", ["webp", "jpg", "png"]),
    megapixels: choices("megapixels", ["1", "0.25"]),
  },
};
