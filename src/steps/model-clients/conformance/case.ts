/** What a case of the model clients' suite is given, and what all of them do. */
import { Effect } from "effect";
import { isTerminal, type ModelClient, type SubmitRequest } from "../../model-client.ts";

type ModelCall = Pick<SubmitRequest, "model" | "input">;

/** A client with the models that the cases need, and the provider's clock in the test's hand. */
export interface ModelClientSubject {
  readonly client: ModelClient;
  /** Succeeds by itself, with an output. */
  readonly succeeding: ModelCall;
  /** Fails by itself, with an error. */
  readonly failing: ModelCall;
  /** Runs until it is ended. */
  readonly endless: ModelCall;
  /** Has an input that the model's own schema refuses. */
  readonly refused: ModelCall;
  /** A well-formed name of a model that does not exist. */
  readonly unknownModel: string;
  /** Writes a text as the case tells it, until it is ended; absent where the client streams nothing. */
  readonly writing?: ModelCall & {
    readonly write: (id: string, parts: ReadonlyArray<string>) => Effect.Effect<void>;
  };
  /** Lets this much time (ms) pass at the provider, and unfinished work go on. */
  readonly passTime: (ms: number) => Effect.Effect<void>;
}

export interface ModelClientCase {
  readonly name: string;
  /** Dies with an AssertionError where the promise is broken. */
  readonly run: (subject: ModelClientSubject) => Effect.Effect<void, unknown>;
}

export const check = (assertion: () => void): Effect.Effect<void> => Effect.sync(assertion);

export const deadlineMs = 60_000;
let calls = 0;

/** A key that no other case has used. */
export const requestOf = (call: ModelCall): SubmitRequest => {
  calls += 1;
  return { ...call, key: `conformance-${calls}`, cancelAfterMs: deadlineMs };
};

/** Looks until the prediction has ended; an honest provider needs far fewer looks. */
const maxLooks = 200;

export const ended = Effect.fnUntraced(function* (
  { client, passTime }: ModelClientSubject,
  id: string,
) {
  for (let look = 1; look < maxLooks; look += 1) {
    const prediction = yield* client.get(id);
    if (isTerminal(prediction.status)) return prediction;
    yield* passTime(1);
  }
  return yield* client.get(id);
});
