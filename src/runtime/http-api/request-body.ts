/** Bodies of requests, read to a limit and not beyond. */
import { Effect, Stream } from "effect";
import type { HttpServerRequest } from "effect/http";
import { Problem } from "./problem.ts";

type Request = HttpServerRequest.HttpServerRequest;

/** The body as it comes. Fails with: Problem (413 above the limit, 400 where the sender broke off). */
export const bodyStream = (
  request: Request,
  maxBytes: number,
): Stream.Stream<Uint8Array, Problem> => {
  const announced = Number(request.headers["content-length"] ?? "0");
  if (announced > maxBytes) return Stream.fail(tooLarge(maxBytes));
  return Stream.suspend(() => {
    let sizeBytes = 0;
    return request.stream.pipe(
      Stream.mapError(() => brokenOff),
      Stream.mapEffect((chunk) => {
        sizeBytes += chunk.length;
        return sizeBytes > maxBytes ? Effect.fail(tooLarge(maxBytes)) : Effect.succeed(chunk);
      }),
    );
  });
};

/** The whole body. Fails as `bodyStream` does. */
export const readBytes = (request: Request, maxBytes: number): Effect.Effect<Uint8Array, Problem> =>
  Effect.map(Stream.runCollect(bodyStream(request, maxBytes)), (chunks) => Buffer.concat(chunks));

const tooLarge = (maxBytes: number): Problem =>
  new Problem({ status: 413, detail: `The body is larger than ${maxBytes} bytes` });

const brokenOff = new Problem({ status: 400, detail: "The body did not arrive whole" });

/** Bodies are taken as they come: a packed one would be kept for what it is not. Fails with: Problem (415). */
export const refuseCoding = ({ headers }: Request): Effect.Effect<void, Problem> =>
  /^(identity)?$/i.test(headers["content-encoding"] ?? "") ? Effect.void : Effect.fail(packed);

const packed = new Problem({
  status: 415,
  detail: "Expected the body as it is, without a Content-Encoding",
  errors: [{ path: "Content-Encoding", message: "Expected identity, or none" }],
  headers: { "accept-encoding": "identity" },
});

/** The body as JSON. Fails with: Problem (413, 415 for another type or coding, 400 where it is no JSON). */
export const readJson = Effect.fnUntraced(function* (
  request: HttpServerRequest.HttpServerRequest,
  maxBytes: number,
): Effect.fn.Return<unknown, Problem> {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (!/^application\/([a-z0-9.+-]+\+)?json$/.test(type)) {
    const detail = "Expected a body of type application/json";
    return yield* new Problem({ status: 415, detail });
  }
  yield* refuseCoding(request);
  const bytes = yield* readBytes(request, maxBytes);
  const json = yield* Effect.try({
    // A parser's message quotes the body.
    try: (): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    catch: () => new Problem({ status: 400, detail: "The body is not JSON in UTF-8" }),
  });
  return isDeeperThan(json, maxDepth) ? yield* tooDeep : json;
});

/** Lists and objects inside each other: what reads a value goes down by recursion, and its stack has an end. */
const maxDepth = 256;

const tooDeep = new Problem({
  status: 400,
  detail: `The body is nested deeper than ${maxDepth} levels`,
});

const isDeeperThan = (json: unknown, depth: number): boolean => {
  let level: ReadonlyArray<unknown> = [json];
  for (let at = 0; at <= depth; at += 1) {
    level = level.flatMap(childrenOf);
    if (level.length === 0) return false;
  }
  return true;
};

const childrenOf = (value: unknown): ReadonlyArray<unknown> =>
  typeof value === "object" && value !== null ? Object.values(value) : [];
