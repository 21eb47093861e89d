/**
 * A provider in virtual time: what becomes of each create is planned by the test, everything ever made is
 * kept with its cost. It belongs to no process, so it outlives those that call it.
 */
import { Clock, Effect, type Schema } from "effect";
import type { ProviderFailure, ValidationFailure } from "../../../src/steps/failure.ts";
import {
  type ModelClient,
  type Prediction,
  type PredictionStatus,
  SubmitRejected,
  type SubmitRequest,
  SubmitUnknown,
} from "../../../src/steps/model-client.ts";
import { unavailable } from "./provider-failures.ts";

/** What becomes of one create. Times in ms after its arrival. */
export interface Fate {
  /** Default: accepted. `lost`: made, but the answer never comes. `nothing`: neither made nor answered. */
  readonly answer?: "accepted" | "lost" | "nothing" | ProviderFailure | ValidationFailure;
  readonly answerAfterMs?: number;
  /** Made and shown only then. */
  readonly appearsAfterMs?: number;
  /** How many are made of it; default 1. */
  readonly copies?: number;
  readonly bootMs?: number;
  /** How long it runs, default 1 s; infinite until it is cancelled. */
  readonly runMs?: number;
  /** Default: succeeded with a text. */
  readonly end?: {
    readonly status: PredictionStatus;
    readonly output?: Schema.Json;
    readonly error?: string;
  };
  readonly ignoresCancel?: boolean;
  readonly ignoresDeadline?: boolean;
  readonly source?: "api" | "web";
}

export interface Made {
  readonly id: string;
  readonly request: SubmitRequest;
  readonly fate: Fate;
  readonly createdAt: number;
  /** When cancels were asked for. */
  readonly cancels: Array<number>;
  gets: number;
}

export interface FakeProviderOptions {
  readonly fateOf?: (ordinal: number, request: SubmitRequest) => Fate;
  readonly canFind?: boolean;
  /** Where a prediction shows its key; default nowhere, as without webhooks. */
  readonly showsKey?: "everywhere" | "in gets";
  readonly listLagMs?: number;
  /** As a client whose models are functions of the process. */
  readonly runsHere?: true;
}

export const usdPerSecond = 0.001;

export class FakeProvider {
  readonly made: Array<Made> = [];
  /** When each create arrived. */
  readonly creates: Array<{ readonly at: number; readonly request: SubmitRequest }> = [];
  readonly listings: Array<number> = [];
  /** The most predictions that one listing held. */
  listed = 0;
  /** While true, listings break off. */
  isListBroken = false;
  /** While true, looks at single predictions break off. */
  isGetBroken = false;
  readonly forgotten = new Set<string>();
  readonly dataRemoved = new Set<string>();
  /** What a download says; default one pixel. */
  file: () => Effect.Effect<
    { readonly bytes: Uint8Array; readonly contentType: string },
    ProviderFailure
  > = () => Effect.succeed({ bytes: onePixel, contentType: "image/png" });
  downloads = 0;
  readonly #options: FakeProviderOptions;

  constructor(options: FakeProviderOptions = {}) {
    this.#options = options;
  }

  /** Costs of all that was made, in millionths of a US dollar. */
  costMicros(now: number): number {
    return this.made.reduce(
      (sum, made) => sum + (shown(made, now).metrics["predict_time"] ?? 0) * usdPerSecond * 1e6,
      0,
    );
  }

  get client(): ModelClient {
    return {
      provider: "fake",
      canFind: this.#options.canFind ?? true,
      ...(this.#options.runsHere === true ? { runsHere: true } : {}),
      submit: (request) => this.#submit(request),
      get: (id) => this.#get(id),
      cancel: (id) => this.#cancel(id),
      find: (after, before) => this.#find(after, before),
      describe: (model) => Effect.succeed({ model, version: null, input: null, output: null }),
      download: () =>
        Effect.suspend(() => {
          this.downloads += 1;
          return this.file();
        }),
      present: () => Effect.succeed("data:,x"),
    };
  }

  #submit(request: SubmitRequest) {
    return Effect.gen({ self: this }, function* () {
      const at = yield* Clock.currentTimeMillis;
      this.creates.push({ at, request });
      const fate = this.#options.fateOf?.(this.creates.length, request) ?? {};
      const { answer = "accepted", answerAfterMs = 0, copies = 1, appearsAfterMs = 0 } = fate;
      const first =
        answer === "accepted" || answer === "lost"
          ? Array.from({ length: copies }, () => this.#make(request, fate, at + appearsAfterMs))[0]
          : undefined;
      if (answerAfterMs > 0) yield* Effect.sleep(answerAfterMs);
      if (answer === "lost" || answer === "nothing")
        return yield* new SubmitUnknown({ detail: "the connection broke" });
      if (typeof answer === "object") return yield* new SubmitRejected({ failure: answer });
      if (first === undefined) return yield* Effect.die("nothing was made");
      return this.#show(first, at, "in gets");
    });
  }

  #make(request: SubmitRequest, fate: Fate, createdAt: number): Made {
    const id = `p${this.made.length + 1}`;
    const made: Made = { id, request, fate, createdAt, cancels: [], gets: 0 };
    this.made.push(made);
    return made;
  }

  /** Made by somebody else, under no key of ours. */
  makeForeign(input: Schema.JsonObject, now: number, fate: Fate = {}): Made {
    return this.#make({ model: "fake/text", input, key: "", cancelAfterMs: 1e9 }, fate, now);
  }

  #show(made: Made, now: number, where: "everywhere" | "in gets"): Prediction {
    const { showsKey } = this.#options;
    const isKeyShown = showsKey === "everywhere" || (showsKey === "in gets" && where === "in gets");
    const key = isKeyShown && made.request.key !== "" ? made.request.key : null;
    const prediction = { ...shown(made, now), key };
    return this.dataRemoved.has(made.id)
      ? { ...prediction, input: null, output: null, isDataRemoved: true }
      : prediction;
  }

  #known(id: string, now: number): Made | undefined {
    return this.made.find(
      (one) => one.id === id && one.createdAt <= now && !this.forgotten.has(id),
    );
  }

  #get(id: string): Effect.Effect<Prediction, ProviderFailure> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const made = this.#known(id, now);
      if (this.isGetBroken) return Effect.fail(unavailable(503));
      if (made === undefined) return Effect.fail(unavailable(404));
      made.gets += 1;
      return Effect.succeed(this.#show(made, now, "in gets"));
    });
  }

  #cancel(id: string): Effect.Effect<Prediction, ProviderFailure> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const made = this.#known(id, now);
      if (made === undefined) return Effect.fail(unavailable(404));
      made.cancels.push(now);
      return Effect.succeed(this.#show(made, now, "in gets"));
    });
  }

  #find(
    after: number,
    before = Infinity,
  ): Effect.Effect<ReadonlyArray<Prediction>, ProviderFailure> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (this.isListBroken) return Effect.fail(unavailable(502));
      this.listings.push(now);
      const seenAt = now - (this.#options.listLagMs ?? 0);
      const listed = this.made.filter(
        ({ id, createdAt }) =>
          createdAt >= after && createdAt <= Math.min(before, seenAt) && !this.forgotten.has(id),
      );
      this.listed = Math.max(this.listed, listed.length);
      return Effect.succeed(listed.map((made) => this.#show(made, now, "everywhere")).toReversed());
    });
  }
}

const onePixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==",
  "base64",
);

/** A prediction as a function of the time. */
const shown = (made: Made, now: number): Prediction => {
  const { fate, createdAt, request } = made;
  const startedAt = createdAt + (fate.bootMs ?? 0);
  const endsAt = startedAt + (fate.runMs ?? 1_000);
  const deadlineAt = fate.ignoresDeadline === true ? Infinity : createdAt + request.cancelAfterMs;
  const cancelAt = fate.ignoresCancel === true ? Infinity : (made.cancels[0] ?? Infinity);
  const stoppedAt = Math.min(deadlineAt, cancelAt);
  const completedAt = Math.min(stoppedAt, endsAt);
  const hasStarted = now >= startedAt && startedAt < stoppedAt;
  const isOver = now >= completedAt;
  const stopped: PredictionStatus = stoppedAt <= startedAt ? "aborted" : "canceled";
  const end = fate.end ?? { status: "succeeded", output: `{"text":"${made.id}"}` };
  const running: PredictionStatus = hasStarted ? "processing" : "starting";
  const ended = stoppedAt <= endsAt && stoppedAt < Infinity ? stopped : end.status;
  const isSuccess = isOver && ended === "succeeded";
  const shownPrediction = {
    id: made.id,
    status: isOver ? ended : running,
    output: isSuccess ? (end.output ?? null) : null,
    error: isOver && ended === "failed" ? (end.error ?? "E1000: unknown") : null,
    input: request.input,
    key: null,
    source: fate.source ?? ("api" as const),
    createdAt,
    startedAt: hasStarted ? startedAt : null,
    completedAt: isOver ? completedAt : null,
    metrics: isOver ? { predict_time: Math.max(completedAt - startedAt, 0) / 1_000 } : {},
    isDataRemoved: false,
  };
  return { ...shownPrediction, raw: { id: made.id, status: shownPrediction.status } };
};
