/** Reads a prediction as Replicate shows it: absent keys are normal, an unknown status is not. */
import { Option, Result, Schema } from "effect";
import { type Prediction, PredictionStatus } from "../model-client.ts";

/** The query parameter of the webhook URL that carries the intent's key. */
export const intentParameter = "intent";

const optionalJson = Schema.optionalKey(Schema.Json);

/** Only id and status are needed; the rest is read as far as it makes sense. */
const Wire = Schema.Struct({
  id: Schema.NonEmptyString,
  status: Schema.NonEmptyString,
  input: optionalJson,
  output: optionalJson,
  error: optionalJson,
  source: optionalJson,
  webhook: optionalJson,
  metrics: optionalJson,
  data_removed: optionalJson,
  created_at: optionalJson,
  started_at: optionalJson,
  completed_at: optionalJson,
});

type Wire = typeof Wire.Type;

const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Json));
const decodeWire = Schema.decodeUnknownResult(Wire);

/** The JSON of a body; none where it is not JSON (an HTML page, a cut answer). */
export const jsonOf = (body: string): Option.Option<Schema.Json> => decodeJson(body);

const isStatus = Schema.is(PredictionStatus);

/** Fails with a sentence that says what was wrong with the answer. */
export const readPrediction = (raw: Schema.Json): Result.Result<Prediction, string> =>
  Result.flatMap(readWire(raw), (wire) =>
    isStatus(wire.status)
      ? Result.succeed(predictionOf(wire, wire.status, raw))
      : Result.fail(`expected a status that is known, got ${JSON.stringify(wire.status)}`),
  );

/**
 * As a list shows it, which is asked for what was made: one status that nobody knows must not hide all the
 * others. It is no end that anybody knows, so that it counts as running.
 */
export const readListed = (raw: Schema.Json): Result.Result<Prediction, string> =>
  Result.map(readWire(raw), (wire) =>
    predictionOf(wire, isStatus(wire.status) ? wire.status : "processing", raw),
  );

const readWire = (raw: Schema.Json): Result.Result<Wire, string> =>
  Result.mapError(decodeWire(raw), (error) => `expected a prediction: ${error.message}`);

const predictionOf = (wire: Wire, status: PredictionStatus, raw: Schema.Json): Prediction => ({
  id: wire.id,
  status,
  output: wire.output ?? null,
  error: errorText(wire.error ?? null),
  input: wire.input ?? null,
  key: keyOf(wire.webhook),
  source: wire.source === "api" || wire.source === "web" ? wire.source : null,
  createdAt: instant(wire.created_at),
  startedAt: instant(wire.started_at),
  completedAt: instant(wire.completed_at),
  metrics: numbersIn(wire.metrics),
  isDataRemoved: wire.data_removed === true,
  raw,
});

const errorText = (error: Schema.Json): string | null =>
  error === null || typeof error === "string" ? error : JSON.stringify(error);

const keyOf = (webhook: Schema.Json | undefined): string | null =>
  typeof webhook === "string" && URL.canParse(webhook)
    ? new URL(webhook).searchParams.get(intentParameter)
    : null;

/** Timestamps carry 0 to 9 fraction digits; what is finer than a millisecond is cut off. */
const instant = (text: Schema.Json | undefined): number | null => {
  const ms = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms) ? ms : null;
};

const numbersIn = (metrics: Schema.Json | undefined): Readonly<Record<string, number>> =>
  typeof metrics !== "object" || metrics === null
    ? {}
    : Object.fromEntries(
        Object.entries(metrics).filter(
          (entry): entry is [string, number] => typeof entry[1] === "number",
        ),
      );
