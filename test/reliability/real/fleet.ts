/** Worker processes over one store: started, killed, frozen, and gone when the test is over. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { WorkerOrder } from "../worker.ts";

const script = fileURLToPath(new URL("../worker.ts", import.meta.url));

export interface Worker {
  readonly pid: number;
  /** The address of its API, empty where it has none, once it has started; rejects when it dies before. */
  readonly ready: Promise<string>;
  /** Sends SIGKILL and resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** Sends SIGSTOP and resolves when the kernel shows the process as stopped. */
  readonly freeze: () => Promise<void>;
  readonly thaw: () => void;
}

export type FleetOrder = Omit<WorkerOrder, "submit">;

export class Fleet {
  /** Submissions that a worker has said are durable. */
  readonly acknowledged = new Set<number>();
  /** Jobs that rested as poison for a while. */
  readonly poisoned: Array<string> = [];
  /** What workers wrote to their error output. */
  readonly complaints: Array<string> = [];
  readonly #order: FleetOrder;
  readonly #jobs: number;
  readonly #alive = new Set<ChildProcess>();

  constructor(order: FleetOrder, jobs: number) {
    this.#order = order;
    this.#jobs = jobs;
  }

  /** Starts a worker that submits up to `batch` of the jobs that nobody has acknowledged yet. */
  start(batch: number): Worker {
    const all = Array.from({ length: this.#jobs }, (_, index) => index + 1);
    const submit = all.filter((number) => !this.acknowledged.has(number)).slice(0, batch);
    const order: WorkerOrder = { ...this.#order, submit };
    const child = spawn(process.execPath, [script, JSON.stringify(order)], {
      stdio: ["ignore", "pipe", "pipe"],
      // A thousand processes load the same modules: what the first has compiled the others take.
      env: { ...process.env, NODE_COMPILE_CACHE: `${order.store}-compiled` },
    });
    this.#alive.add(child);
    child.once("exit", () => this.#alive.delete(child));
    createInterface(child.stderr).on("line", (line) => this.complaints.push(line));
    return workerOf(child, this.#listen(child));
  }

  async end(): Promise<void> {
    await Promise.all([...this.#alive].map(gone));
  }

  #listen(
    child: ChildProcess & { readonly stdout: NonNullable<ChildProcess["stdout"]> },
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      child.once("exit", () => {
        reject(
          new Error(`a worker died before it was ready: ${this.complaints.slice(-5).join("\n")}`),
        );
      });
      createInterface(child.stdout).on("line", (line) => {
        const [word, what = ""] = line.split(" ");
        if (word === "ready") resolve(what);
        if (word === "ack") this.acknowledged.add(Number(what));
        if (word === "poisoned") this.poisoned.push(what);
      });
    });
  }
}

const workerOf = (child: ChildProcess, ready: Promise<string>): Worker => {
  // Whoever kills a worker early does not wait for it.
  ready.catch(() => undefined);
  const pid = child.pid ?? 0;
  return {
    pid,
    ready,
    kill: () => gone(child),
    freeze: async () => {
      child.kill("SIGSTOP");
      while (!isStopped(pid)) await new Promise(setImmediate);
    },
    thaw: () => {
      child.kill("SIGCONT");
    },
  };
};

const gone = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
};

const isStopped = (pid: number): boolean => /\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
