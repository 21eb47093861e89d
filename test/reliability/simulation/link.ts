/**
 * The model client of one process: its line to the simulated provider. What was sent arrives, whatever has
 * become of the sender in the meantime; an answer only comes where the sender still runs.
 */
import { Effect } from "effect";
import { ProviderFailure } from "../../../src/steps/failure.ts";
import {
  type ModelClient,
  type Prediction,
  SubmitRejected,
  SubmitUnknown,
} from "../../../src/steps/model-client.ts";
import type { CrashPoint } from "./crash-point.ts";
import type { Fault, Operation } from "./faults.ts";
import type { Mortal } from "./mortal.ts";
import type { Surroundings } from "./surroundings.ts";
import { fileHost } from "./provider.ts";

const provider = "sim";
const description = (model: string) => ({ model, version: null, input: inputSchema, output: null });
const inputSchema = {
  schema: { type: "object", properties: { prompt: { type: "string" } }, required: ["prompt"] },
  definitions: {},
} as const;

const unavailable = (detail: string, status = 503) =>
  new ProviderFailure({ reason: "Unavailable", provider, detail, status });

export const linkTo = (process: Mortal, around: Surroundings): ModelClient => {
  const describe = (model: string) =>
    Effect.andThen(process.alive, Effect.succeed(description(model)));
  return {
    provider,
    canFind: true,
    submit: (request) => submit(process, around, request),
    get: (id) =>
      call(process, around, {
        operation: "get",
        points: ["get:before", "get:after"],
        perform: () => around.provider.get(id),
      }),
    cancel: (id) =>
      Effect.suspend(() => {
        if (!process.lane.isDead) around.rules.cancel(id);
        return call(process, around, {
          operation: "cancel",
          points: ["cancel:before", "cancel:after"],
          perform: () => around.provider.cancel(id),
        });
      }),
    find: (createdAfter) => find(process, around, createdAfter),
    describe,
    download: (url) => download(process, around, url),
    present: ({ bytes }) => Effect.succeed(`data:,${bytes.length}`),
  };
};

type Submission = Parameters<ModelClient["submit"]>[0];

const submit = Effect.fnUntraced(function* (
  process: Mortal,
  around: Surroundings,
  request: Submission,
): Effect.fn.Return<Prediction, SubmitRejected | SubmitUnknown> {
  around.rules.send(process, request.key);
  yield* process.passes("post:before");
  const fault = around.faults.next("submit");
  const isLost = fault?.type === "lost";
  const ending = fault?.type === "ending" ? fault.ending : "success";
  const made = yield* travel(process, around, {
    onSent: "post:sent",
    onArrival: "post:created",
    perform: () => {
      if (fault?.type === "busy" || (isLost && !fault.isApplied)) return null;
      return around.provider.create(request, ending);
    },
  });
  yield* process.passes("post:answered");
  if (fault?.type === "busy") return yield* new SubmitRejected({ failure: busy(fault.status) });
  if (made === null || isLost) return yield* new SubmitUnknown({ detail: "the connection broke" });
  return made;
});

const busy = (status: 429 | 402): ProviderFailure =>
  status === 429
    ? new ProviderFailure({
        reason: "RateLimited",
        provider,
        detail: "slow down",
        status,
        retryAfterMs: 3_000,
      })
    : new ProviderFailure({ reason: "QuotaExhausted", provider, detail: "no credit", status });

interface Journey<A> {
  readonly onSent: CrashPoint;
  readonly onArrival: CrashPoint;
  readonly perform: () => A;
}

/** There and back: up to two seconds a way, as long as the process lives. */
const travel = <A>(
  process: Mortal,
  { timeline, chance, endAt }: Surroundings,
  { onSent, onArrival, perform }: Journey<A>,
): Effect.Effect<A> => {
  const crash = (point: CrashPoint) => {
    if (process.lane.isDead || process.lane.isFrozen) return;
    const end = endAt(point);
    if (end !== undefined) process.end(end);
  };
  const sent = Effect.callback<A>((resume) => {
    timeline.after(latencyMs(chance), () => {
      const answer = perform();
      crash(onArrival);
      timeline.after(latencyMs(chance), () => {
        process.lane.enqueue(() => {
          resume(Effect.succeed(answer));
        });
      });
    });
    crash(onSent);
  });
  return Effect.andThen(process.alive, sent);
};

/** Mostly quick, now and then slow. */
const latencyMs = ({ isTrue, between }: Surroundings["chance"]): number =>
  isTrue(0.9) ? between(1, 60) : between(60, 2_000);

interface Call {
  readonly operation: Operation;
  readonly points: readonly [CrashPoint, CrashPoint];
  readonly perform: () => Prediction | null;
}

const call = Effect.fnUntraced(function* (
  process: Mortal,
  around: Surroundings,
  { operation, points, perform }: Call,
): Effect.fn.Return<Prediction, ProviderFailure> {
  yield* process.passes(points[0]);
  const fault = around.faults.next(operation);
  yield* Effect.sleep(latencyMs(around.chance));
  yield* process.alive;
  const answer = isWithoutEffect(fault) ? null : perform();
  yield* process.passes(points[1]);
  if (fault !== undefined) return yield* unavailable(`${operation} broke off`);
  if (answer === null) return yield* unavailable("no such prediction", 404);
  return answer;
});

const isWithoutEffect = (fault: Fault | undefined): boolean =>
  fault !== undefined && !(fault.type === "lost" && fault.isApplied);

const find = Effect.fnUntraced(function* (
  process: Mortal,
  around: Surroundings,
  createdAfter: number,
): Effect.fn.Return<ReadonlyArray<Prediction>, ProviderFailure> {
  yield* process.passes("find:before");
  if (around.faults.next("find") !== undefined) return yield* unavailable("half a list");
  const listed = around.provider.list(createdAfter);
  yield* Effect.sleep(latencyMs(around.chance));
  yield* process.passes("find:after");
  return listed;
});

const download = Effect.fnUntraced(function* (process: Mortal, around: Surroundings, url: string) {
  yield* process.passes("download:before");
  const predictionId = url.slice(fileHost.length).replace(".png", "");
  const jobId = around.killer.jobOf(predictionId);
  if (around.killer.strikes("download", { jobId })) {
    around.rules.atWork(process, jobId ?? "");
    process.end({ type: "kill" });
    yield* process.alive;
  }
  const fault = around.faults.next("download");
  if (fault?.type === "expired") {
    const detail = "the file is gone";
    return yield* new ProviderFailure({ reason: "OutputExpired", provider, detail, status: 404 });
  }
  if (fault !== undefined) return yield* unavailable("the file broke off");
  const done = around.rules.atWork(process, jobId ?? "");
  yield* Effect.sleep(latencyMs(around.chance));
  yield* process.passes("download:after");
  done();
  const bytes = new TextEncoder().encode(`picture of ${url.slice(fileHost.length)}`);
  return { bytes, contentType: "image/png" };
});
