/** A worker thread with one toy: loads it, then works off what the server sends, one after the other. */
import { parentPort, workerData } from "node:worker_threads";
import type { ModelKind } from "./model.ts";
import type { FromWorker, Toy, ToWorker } from "./worker-messages.ts";

const loaders: Readonly<Record<ModelKind, () => Promise<Toy>>> = {
  copywriter: async () => (await import("./copywriter/toy.ts")).loadToy(),
  painter: async () => (await import("./painter/toy.ts")).loadToy(),
  moderator: async () => (await import("./moderation/toy.ts")).loadToy(),
};

// Only worker-engine.ts starts this file, with a ModelKind as its data.
const kind = workerData as ModelKind;
const toy = loaders[kind]();
// A toy that cannot be loaded fails each prediction with its reason, not the whole thread.
toy.catch((error: unknown) => process.stderr.write(`emulator: ${sentence(error)}\n`));
const aborted = new Set<string>();
let last: Promise<void> = Promise.resolve();

parentPort?.on("message", (message: ToWorker) => {
  if (message.type === "abort") aborted.add(message.id);
  else last = last.then(() => work(message));
});

async function work({ id, input, image }: Extract<ToWorker, { type: "run" }>): Promise<void> {
  const isAborted = (): boolean => aborted.has(id);
  try {
    const { run } = await toy;
    if (!isAborted()) {
      say({ type: "started", id });
      const onPart = (part: string): void => say({ type: "part", id, part });
      say({
        type: "done",
        id,
        answer: await run({ id, input, ...(image && { image }), onPart, isAborted }),
      });
    }
  } catch (error) {
    say({ type: "failed", id, message: sentence(error) });
  }
  aborted.delete(id);
}

function say(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
