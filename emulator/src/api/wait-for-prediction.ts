/**
 * `Prefer: wait`: the create is answered when the prediction ended or the time ran out. As recorded from the real
 * service, a finished answer still says `processing`, without completed_at and metrics, with files as data URIs.
 */
import type { Emulation } from "../emulation.ts";
import type { Call } from "../http/call.ts";
import { json, type Reply } from "../http/reply.ts";
import { watchChanges } from "../predictions/changes.ts";
import { inlineFiles } from "../predictions/inline-files.ts";
import { viewPrediction } from "../predictions/prediction-view.ts";
import { isTerminal, type Prediction } from "../predictions/prediction.ts";

const MAXIMUM_SECONDS = 60;

/** 201 with all outputs, 202 where the time ran out before; undefined where the client did not ask to wait. */
export async function answerWhenDone(
  emulation: Emulation,
  call: Call,
  id: string,
): Promise<Reply | undefined> {
  const wish = /^wait(?:=(?<seconds>\d+))?$/u.exec(String(call.headers["prefer"] ?? ""));
  if (wish === null) return undefined;
  const seconds = Math.min(Number(wish.groups?.["seconds"] ?? MAXIMUM_SECONDS), MAXIMUM_SECONDS);
  const prediction = await endOf(emulation, id, seconds * 1_000);
  if (prediction === undefined) return undefined;
  const viewpoint = { origin: call.origin, settings: emulation.settings };
  const headers = {
    "preference-applied": `wait=${seconds}`,
    location: `${call.origin}/v1/predictions/${id}`,
  };
  return json(
    isTerminal(prediction.status) ? 201 : 202,
    viewPrediction(early(emulation, prediction), viewpoint),
    headers,
  );
}

async function endOf(
  { predictions, runner, clock, closing }: Emulation,
  id: string,
  withinMs: number,
): Promise<Prediction | undefined> {
  const until = clock.now() + withinMs;
  const changes = watchChanges({ predictions, clock, id, signal: closing });
  let prediction = runner.look(id);
  while (prediction !== undefined && !isTerminal(prediction.status)) {
    if (!(await changes.next(until - clock.now()))) break;
    prediction = runner.look(id);
  }
  changes.close();
  return prediction;
}

function early({ files }: Emulation, prediction: Prediction): Prediction {
  if (prediction.status !== "succeeded") return prediction;
  const {
    startedAt: _startedAt,
    completedAt: _completedAt,
    metrics: _metrics,
    ...rest
  } = prediction;
  return { ...rest, status: "processing", output: inlineFiles(prediction.output, files) };
}
