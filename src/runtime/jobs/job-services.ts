/** The services of one job that run now: started and stopped by its owner, and let go with it. */
import { Cause, Effect, Exit, Fiber } from "effect";
import type { Service } from "../../machines/advance.ts";
import type { JobContext } from "../../machines/context.ts";
import { defectOf } from "../services/defect.ts";
import type { Deployed, JobHost, ServiceJob } from "./job-host.ts";
import type { Mail } from "./job-sequencer.ts";
import type { KeptEntries } from "./kept-entries.ts";
import { ContextWaiters, JobOfService, type Surroundings } from "./service-job.ts";

interface RunningService {
  readonly token: symbol;
  /** Absent while the service's first turn runs, and where that was all. */
  fiber?: Fiber.Fiber<void>;
}

export interface JobServicesOptions {
  readonly jobId: string;
  readonly deployed: Deployed;
  readonly host: JobHost;
  readonly kept: KeptEntries;
  /** The committed context. */
  readonly context: () => JobContext;
  readonly post: (mail: Mail) => void;
}

export class JobServices {
  readonly #options: JobServicesOptions;
  readonly #running = new Map<string, RunningService>();
  readonly #waiters = new ContextWaiters();
  readonly #around: Surroundings;
  #isLetGo = false;

  constructor(options: JobServicesOptions) {
    const { jobId, deployed, host, kept, context } = options;
    this.#options = options;
    this.#around = { jobId, deployed, host, kept, context, waiters: this.#waiters };
  }

  get size(): number {
    return this.#running.size;
  }

  readonly isCurrent = (id: string, token: symbol): boolean =>
    this.#running.get(id)?.token === token;

  /** The context was committed: who waits for what it says goes on. */
  wake(): void {
    this.#waiters.wake(this.#options.context());
  }

  /** Nothing starts any more once all were let go. */
  start(service: Service): void {
    if (this.#isLetGo) return;
    const running: RunningService = { token: Symbol(service.id) };
    const job = this.#jobFor(service, running.token);
    // The entry must stand before the service runs: what it says in its first turn is heard by it.
    this.#running.set(service.id, running);
    const program = this.#programOf(service, job);
    if (program === null) return;
    running.fiber = this.#options.host.fork(
      Effect.onExit(program, (exit) => Effect.sync(() => this.#onExit(service, job, exit))),
    );
    // Its first turn may have stopped the whole process, and itself with it.
    if (!this.isCurrent(service.id, running.token)) running.fiber.interruptUnsafe();
  }

  stop(id: string): void {
    const running = this.#running.get(id);
    this.#running.delete(id);
    running?.fiber?.interruptUnsafe();
  }

  /** Lets all of them go, as they are. */
  readonly letGo: Effect.Effect<void> = Effect.suspend(() => {
    this.#isLetGo = true;
    const fibers = [...this.#running.values()].flatMap(({ fiber }) => fiber ?? []);
    this.#running.clear();
    return fibers.length === 0 ? Effect.void : Fiber.interruptAll(fibers);
  });

  #programOf(service: Service, job: ServiceJob): Effect.Effect<void> | null {
    try {
      return this.#options.host.program(service, job);
    } catch (defect) {
      return Effect.die(defect);
    }
  }

  /** A service that dies has a bug, of ours or of a user's function outside every declared place. */
  #onExit(service: Service, job: ServiceJob, exit: Exit.Exit<void>): void {
    if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return;
    if (service.source === "cancelling") {
      this.#options.host.fork(Effect.logError("cancelling failed", exit.cause));
      return;
    }
    const attempt = job.context().steps[service.id]?.attempt ?? 0;
    const failure = defectOf(Cause.squash(exit.cause));
    job.enqueue({ type: "StepFailed", path: service.id, attempt, kind: "defect", failure });
  }

  #jobFor(service: Service, token: symbol): ServiceJob {
    const from = { id: service.id, token };
    const { post } = this.#options;
    const job: ServiceJob = new JobOfService(this.#around, {
      post: (facts, reply, isDue) => {
        if (reply === undefined)
          post({ facts, consumes: null, from, reply: unheard, isPatient: true });
        else if (isDue === undefined) post({ facts, consumes: null, from, reply });
        else post({ facts, consumes: null, from, reply, isDue });
      },
      onRefused: (error) => {
        this.#onExit(service, job, Exit.die(error));
      },
    });
    return job;
  }
}

const unheard = (): void => undefined;
