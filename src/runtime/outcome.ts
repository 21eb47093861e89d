/** How a job ended, as its user sees it. */
import type { Defect, Failure, RestKind } from "../steps/failure.ts";

/** `failed` rests: `retry` goes on at the failed step with all earlier outputs kept. */
export type Outcome<Output, F = Failure> =
  | { readonly status: "complete"; readonly output: Output }
  | {
      readonly status: "failed";
      /** The step's path. */
      readonly step: string;
      readonly kind: RestKind;
      /** For the operator; a Defect where a bug was met. */
      readonly failure: F | Defect;
      /** What a user may read. */
      readonly message: string;
    }
  | { readonly status: "cancelled" };

/** What `job.result()` rejects with when the job failed. `message` is safe for users; `failure` is not. */
export class JobFailed extends Error {
  override readonly name = "JobFailed";
  readonly jobId: string;
  readonly step: string;
  readonly kind: RestKind;
  readonly failure: Failure | Defect;
  constructor(jobId: string, outcome: Extract<Outcome<unknown>, { readonly status: "failed" }>) {
    super(`Job ${jobId} failed at ${outcome.step}: ${outcome.message}`);
    this.jobId = jobId;
    this.step = outcome.step;
    this.kind = outcome.kind;
    this.failure = outcome.failure;
  }
}

/** What `job.result()` rejects with when the job was cancelled. */
export class JobCancelled extends Error {
  override readonly name = "JobCancelled";
  readonly jobId: string;
  constructor(jobId: string) {
    super(`Job ${jobId} was cancelled`);
    this.jobId = jobId;
  }
}

/** There is no such job, or it cannot do what was asked of it in its state. */
export class JobUnavailable extends Error {
  override readonly name = "JobUnavailable";
  readonly jobId: string;
  constructor(jobId: string, why: string) {
    super(`Job ${jobId}: ${why}`);
    this.jobId = jobId;
  }
}

/** Why nothing can be asked of a job that was erased at that instant (ms). */
export const erasedOn = (erasedAt: number): string =>
  `it was erased on ${new Date(erasedAt).toISOString()}, only its status and cost are left`;

/** What was asked of a Catena came after its end, or was still open then. Its jobs go on with the next start. */
export class CatenaStopped extends Error {
  override readonly name = "CatenaStopped";
  constructor() {
    super(
      "this Catena was stopped; its unfinished jobs go on where they stand with the next start",
    );
  }
}
