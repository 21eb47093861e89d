/** What the server and a model's worker thread say to each other. Each worker does one piece of work at a time. */
import type { JsonObject } from "../json.ts";
import type { ModelAnswer } from "./engine.ts";

export type ToWorker =
  | {
      readonly type: "run";
      readonly id: string;
      readonly input: JsonObject;
      readonly image?: Uint8Array;
    }
  | { readonly type: "abort"; readonly id: string };

export type FromWorker =
  | { readonly type: "started"; readonly id: string }
  | { readonly type: "part"; readonly id: string; readonly part: string }
  | { readonly type: "done"; readonly id: string; readonly answer: ModelAnswer }
  | { readonly type: "failed"; readonly id: string; readonly message: string };

/** One toy inside its worker. */
export interface Toy {
  readonly run: (work: ToyWork) => Promise<ModelAnswer>;
}

export interface ToyWork {
  readonly id: string;
  readonly input: JsonObject;
  readonly image?: Uint8Array;
  readonly onPart: (part: string) => void;
  readonly isAborted: () => boolean;
}
