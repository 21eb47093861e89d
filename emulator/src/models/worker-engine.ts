/**
 * The toys, each in a worker thread of its own, so that painting blocks no request. A thread starts with the first
 * prediction of its kind or with warm; one that dies fails its open predictions and starts anew with the next.
 */
import { Worker } from "node:worker_threads";
import { ownModule } from "../own-module.ts";
import type { ModelAnswer, ModelEngine, ModelRequest } from "./engine.ts";
import type { ModelKind } from "./model.ts";
import type { FromWorker, ToWorker } from "./worker-messages.ts";

interface Pending {
  readonly request: ModelRequest;
  readonly resolve: (answer: ModelAnswer) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  readonly pending: Map<string, Pending>;
}

const KINDS: readonly ModelKind[] = ["copywriter", "painter", "moderator"];

export function startWorkerEngine(): ModelEngine {
  const threads = new Map<ModelKind, Thread>();
  const threadOf = (kind: ModelKind): Thread => {
    const thread = threads.get(kind) ?? startThread(kind, () => void threads.delete(kind));
    threads.set(kind, thread);
    return thread;
  };
  return {
    run: ({ kind }, request) => runOn(threadOf(kind), request),
    warm: () => KINDS.forEach(threadOf),
    close: async () => {
      await Promise.all([...threads.values()].map(({ worker }) => worker.terminate()));
    },
  };
}

function startThread(kind: ModelKind, onEnd: () => void): Thread {
  const worker = new Worker(ownModule("./model-worker", import.meta.url), { workerData: kind });
  const pending = new Map<string, Pending>();
  // A thread that only waits for work keeps no process alive.
  worker.unref();
  worker.on("message", (message: FromWorker) => receive(pending, message));
  worker.on("error", (error) =>
    process.stderr.write(`emulator: the ${kind} thread died: ${String(error)}\n`),
  );
  worker.on("exit", () => {
    onEnd();
    for (const { reject } of pending.values())
      reject(new Error("E1000: the toy model's thread ended"));
    pending.clear();
  });
  return { worker, pending };
}

function runOn({ worker, pending }: Thread, request: ModelRequest): Promise<ModelAnswer> {
  const { predictionId: id, input, image, signal } = request;
  const tell = (message: ToWorker): void => worker.postMessage(message);
  return new Promise((resolve, reject) => {
    pending.set(id, { request, resolve, reject });
    signal.addEventListener(
      "abort",
      () => {
        if (!pending.delete(id)) return;
        tell({ type: "abort", id });
        reject(new Error("aborted"));
      },
      { once: true },
    );
    tell({ type: "run", id, input, ...(image && { image }) });
  });
}

function receive(pending: Map<string, Pending>, message: FromWorker): void {
  const work = pending.get(message.id);
  if (work === undefined) return;
  if (message.type === "started") return work.request.onStart();
  if (message.type === "part") return work.request.onPart?.(message.part);
  pending.delete(message.id);
  if (message.type === "done") work.resolve(message.answer);
  else work.reject(new Error(message.message));
}
