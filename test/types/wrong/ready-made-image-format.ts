import { Steps } from "../../../src/index.ts";

export const step = Steps.image("paint", {
  model: "painters/small",
  request: { output_format: "gif" },
});

// Error at line 5:
// Type '"gif"' is not assignable to type '"jpg" | "png" | "webp" | undefined'.
