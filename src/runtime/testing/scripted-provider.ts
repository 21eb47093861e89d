/**
 * A provider whose every answer is in the hand of a test. It outlives the processes that call it, as a
 * real one does: what was created runs on, and who died sending leaves a prediction or none.
 */
import { Effect, Option, type Schema } from "effect";
import { ProviderFailure } from "../../steps/failure.ts";
import {
  isTerminal,
  type ModelClient,
  type Prediction,
  SubmitRejected,
  type SubmitRequest,
  SubmitUnknown,
} from "../../steps/model-client.ts";

/** A one-pixel PNG: what a model's file output is, unless a test says otherwise. */
export const onePixelPng =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";

export type SubmitAnswer =
  | { readonly type: "accepted" }
  | { readonly type: "rejected"; readonly failure: SubmitRejected["failure"] }
  | { readonly type: "lost"; readonly isCreated: boolean };

/** How a prediction ends by itself. */
export interface RemoteEnd {
  readonly status: "succeeded" | "failed" | "canceled";
  readonly output?: Schema.Json;
  readonly error?: string;
}

interface Remote {
  prediction: Prediction;
  /** What a cancel makes of it: null leaves it running. */
  onCancel: RemoteEnd | null;
  isCancelAsked: boolean;
}

interface Sending {
  readonly request: SubmitRequest;
  readonly process: object;
  readonly answer: (answer: SubmitAnswer) => void;
}

/** What happens in the very moment in which a caller sees an end or a listing. */
export interface Encounter {
  readonly before: Effect.Effect<void>;
  readonly after: Effect.Effect<void>;
}

export class ScriptedProvider {
  readonly name: string;
  readonly #now: () => number;
  readonly #sending = new Map<string, Sending>();
  readonly #remotes = new Map<string, Remote>();
  readonly #encounters = new Map<string, Encounter>();
  /** Called for every create that arrives. */
  onSubmit: (request: SubmitRequest) => void = () => undefined;
  /** How many predictions were ever created under each key. */
  readonly created = new Map<string, number>();

  constructor(name: string, now: () => number) {
    this.name = name;
    this.#now = now;
  }

  readonly isSending = (key: string): boolean => this.#sending.has(key);
  readonly sendingKeys = (): ReadonlyArray<string> => [...this.#sending.keys()];
  readonly runningKeys = (): ReadonlyArray<string> =>
    [...this.#remotes]
      .filter(([, { prediction }]) => !isTerminal(prediction.status))
      .map(([key]) => key);

  /** Answers the create that is on its way under this key. */
  answer(key: string, answer: SubmitAnswer): void {
    const sending = this.#sending.get(key);
    if (sending === undefined) return;
    if (answer.type === "accepted" || (answer.type === "lost" && answer.isCreated))
      this.#create(sending.request);
    this.#sending.delete(key);
    sending.answer(answer);
  }

  /** The process died: its creates arrived or did not, and nobody hears of it. */
  dropSending(process: object, isCreated: boolean): void {
    for (const [key, sending] of this.#sending) {
      if (sending.process !== process) continue;
      if (isCreated) this.#create(sending.request);
      this.#sending.delete(key);
    }
  }

  #create({ key, input }: SubmitRequest): void {
    this.created.set(key, (this.created.get(key) ?? 0) + 1);
    const prediction: Prediction = {
      id: `prediction-${this.#remotes.size + 1}`,
      status: "starting",
      output: null,
      error: null,
      input,
      key,
      source: "api",
      createdAt: this.#now(),
      startedAt: null,
      completedAt: null,
      metrics: {},
      isDataRemoved: false,
      raw: {},
    };
    this.#remotes.set(key, { prediction, onCancel: null, isCancelAsked: false });
  }

  /** The prediction leaves the queue. */
  start(key: string): void {
    const remote = this.#remotes.get(key);
    if (remote?.prediction.status !== "starting") return;
    remote.prediction = { ...remote.prediction, status: "processing", startedAt: this.#now() };
  }

  /** The prediction ends now. */
  end(key: string, end: RemoteEnd): void {
    const remote = this.#remotes.get(key);
    if (remote !== undefined) this.#end(remote, end);
  }

  /** What becomes of the prediction when it is asked to end; at once where it was asked before. */
  whenCancelled(key: string, end: RemoteEnd): void {
    const remote = this.#remotes.get(key);
    if (remote === undefined) return;
    remote.onCancel = end;
    if (remote.isCancelAsked) this.#end(remote, end);
  }

  #end(remote: Remote, { status, output = null, error }: RemoteEnd): void {
    if (isTerminal(remote.prediction.status)) return;
    const metrics = { predict_time: 1 };
    const completedAt = this.#now();
    const ended = { status, output, error: error ?? null, completedAt, metrics };
    remote.prediction = { ...remote.prediction, ...ended };
  }

  /** Sets what else happens in the moment in which somebody next sees this prediction's end, or a listing. */
  encounter(key: string, encounter: Encounter): void {
    this.#encounters.set(key, encounter);
  }

  #meet<A, E>(key: string, look: Effect.Effect<A, E>): Effect.Effect<A, E> {
    const encounter = this.#encounters.get(key);
    if (encounter === undefined) return look;
    this.#encounters.delete(key);
    return Effect.andThen(
      encounter.before,
      Effect.tap(look, () => Effect.forkDetach(encounter.after)),
    );
  }

  #byId(id: string): Effect.Effect<[key: string, remote: Remote], ProviderFailure> {
    const found = [...this.#remotes].find(([, { prediction }]) => prediction.id === id);
    return found === undefined
      ? Effect.fail(
          new ProviderFailure({
            provider: this.name,
            reason: "BadResponse",
            detail: `there is no prediction ${id}`,
            status: 404,
          }),
        )
      : Effect.succeed(found);
  }

  #listing(createdAfter: number): Effect.Effect<ReadonlyArray<Prediction>> {
    const list = Effect.sync(() =>
      [...this.#remotes.values()]
        .map(({ prediction }) => prediction)
        .filter(({ createdAt }) => createdAt !== null && createdAt >= createdAfter)
        .toReversed(),
    );
    const met = [...this.#encounters.keys()].find((key) => this.#isLooked(key));
    return met === undefined ? list : this.#meet(met, list);
  }

  /** A listing is what answers for a prediction that nobody has been told of. */
  #isLooked(key: string): boolean {
    return this.#remotes.get(key)?.prediction.status !== "processing";
  }

  /** The provider as one process sees it. */
  client(process: object): ModelClient {
    return {
      provider: this.name,
      canFind: true,
      submit: (request) =>
        Effect.callback((resume) => {
          const answer = (answered: SubmitAnswer) => {
            resume(this.#submitted(request.key, answered));
          };
          this.#sending.set(request.key, { request, process, answer });
          this.onSubmit(request);
        }),
      get: (id) =>
        Effect.flatMap(this.#byId(id), ([key, remote]) =>
          isTerminal(remote.prediction.status)
            ? this.#meet(key, Effect.succeed(remote.prediction))
            : Effect.succeed(remote.prediction),
        ),
      cancel: (id) =>
        Effect.map(this.#byId(id), ([, remote]) => {
          remote.isCancelAsked = true;
          if (remote.onCancel !== null) this.#end(remote, remote.onCancel);
          return remote.prediction;
        }),
      find: (createdAfter) => Effect.suspend(() => this.#listing(createdAfter)),
      describe: (model) => Effect.succeed({ model, version: null, input: null, output: null }),
      download: (url) => this.#download(url),
      present: ({ bytes, contentType }) =>
        Effect.sync(() => `data:${contentType};base64,${Buffer.from(bytes).toString("base64")}`),
    };
  }

  #submitted(
    key: string,
    answer: SubmitAnswer,
  ): Effect.Effect<Prediction, SubmitRejected | SubmitUnknown> {
    if (answer.type === "rejected")
      return Effect.fail(new SubmitRejected({ failure: answer.failure }));
    const remote = Option.fromUndefinedOr(this.#remotes.get(key));
    return answer.type === "accepted" && Option.isSome(remote)
      ? Effect.succeed(remote.value.prediction)
      : Effect.fail(new SubmitUnknown({ detail: "the connection was reset" }));
  }

  #download(url: string) {
    const data = /^data:([^;,]+);base64,(.*)$/.exec(url);
    const [, contentType, base64] = data ?? [];
    if (contentType !== undefined && base64 !== undefined)
      return Effect.sync(() => ({ bytes: Buffer.from(base64, "base64"), contentType }));
    return Effect.fail(
      new ProviderFailure({
        provider: this.name,
        reason: "OutputExpired",
        detail: `a scripted model's files are data: URLs, this is ${url.slice(0, 40)}`,
      }),
    );
  }
}
