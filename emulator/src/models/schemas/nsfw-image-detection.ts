/** falcons-ai/nsfw_image_detection: a picture in, `normal` or `nsfw` out. A community model: it needs a version. */
import type { ModelSpec } from "../model.ts";

export const nsfwImageDetection: ModelSpec = {
  owner: "falcons-ai",
  name: "nsfw_image_detection",
  kind: "moderator",
  isOfficial: false,
  description: "Fine-Tuned Vision Transformer (ViT) for NSFW Image Classification",
  versionId: "97116600cabd3037e5f22ca08ffcc33b92cfacebf7ccd3609e9c1d29e43d3a8d",
  schemas: {
    Input: {
      type: "object",
      title: "Input",
      required: ["image"],
      properties: {
        image: {
          type: "string",
          format: "uri",
          title: "Image",
          description: "Input image",
          "x-order": 0,
        },
      },
    },
    Output: { type: "string", title: "Output" },
  },
};
