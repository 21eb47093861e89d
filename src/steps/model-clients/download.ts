/**
 * Copies an output file from a provider. The URL comes from a model, so nothing about it is trusted:
 * scheme and host are checked at each hop, the size while it streams, the length and type at the end.
 * No credential is ever sent.
 */
import { Effect, Result } from "effect";
import { readBody } from "../bounded-body.ts";
import { ProviderFailure, type ProviderReason } from "../failure.ts";
import { checkMediaType } from "../media-type.ts";
import type { DownloadedFile } from "../model-client.ts";
import { networkErrorText } from "../network-error.ts";

export interface DownloadRules {
  readonly provider: string;
  readonly fetch: typeof globalThis.fetch;
  readonly isAllowed: (url: URL) => boolean;
  readonly maxBytes: number;
  /** For all hops and the whole body, in ms. */
  readonly timeoutMs: number;
}

/** Delivery hosts answer directly; a few hops are for compatible servers. */
const maxHops = 5;

/** Fails with: ProviderFailure (OutputExpired, BadResponse, Unavailable). */
export const download = (
  rules: DownloadRules,
  url: string,
): Effect.Effect<DownloadedFile, ProviderFailure> => {
  const fetched = url.startsWith("data:")
    ? Effect.succeed(readDataUri(url, rules.maxBytes))
    : follow(rules, url);
  return fetched.pipe(
    Effect.flatMap((body) => Effect.fromResult(Result.flatMap(body, checked))),
    Effect.timeoutOrElse({
      duration: rules.timeoutMs,
      orElse: () =>
        Effect.fail(problem("Unavailable", `no complete file within ${rules.timeoutMs} ms`)),
    }),
    Effect.mapError((found) => new ProviderFailure({ provider: rules.provider, ...found })),
  );
};

/** A file as it came, its type still a claim. */
interface Body {
  readonly bytes: Uint8Array;
  readonly claimedType: string | null;
}

interface Problem {
  readonly reason: ProviderReason;
  readonly detail: string;
  readonly status?: number;
  readonly isPermanent?: boolean;
}

const problem = (reason: ProviderReason, detail: string): Problem => ({ reason, detail });

const tooLarge = (maxBytes: number): Problem => ({
  ...problem("BadResponse", `the file is larger than ${maxBytes} bytes`),
  isPermanent: true,
});

const checked = ({ bytes, claimedType }: Body): Result.Result<DownloadedFile, Problem> => {
  if (bytes.length === 0) return Result.fail(problem("BadResponse", "the file is empty"));
  return Result.mapBoth(checkMediaType(claimedType, bytes), {
    onFailure: (detail) => problem("BadResponse", detail),
    onSuccess: (contentType) => ({ bytes, contentType }),
  });
};

const dataUriPattern = /^data:(?<type>[^,;]*)(?:;[^,;]+)*?(?<base64>;base64)?,/i;

/** A file inside its URL, as synchronous answers may carry it. */
const readDataUri = (uri: string, maxBytes: number): Result.Result<Body, Problem> => {
  const match = dataUriPattern.exec(uri);
  if (match === null) return Result.fail(problem("BadResponse", "the data URI is malformed"));
  const payload = uri.slice(match[0].length);
  const bytes =
    match.groups?.["base64"] === undefined
      ? percentDecoded(payload)
      : Buffer.from(payload, "base64");
  if (bytes === null) return Result.fail(problem("BadResponse", "the data URI is malformed"));
  if (bytes.length > maxBytes) return Result.fail(tooLarge(maxBytes));
  return Result.succeed({ bytes, claimedType: match.groups?.["type"] ?? null });
};

const percentDecoded = (payload: string): Uint8Array | null => {
  const isWellFormed = /^(?:[^%]|%[0-9a-f]{2})*$/i.test(payload);
  if (!isWellFormed) return null;
  const bytes = payload.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1");
};

const follow = Effect.fnUntraced(function* (rules: DownloadRules, first: string) {
  let location = first;
  let base: string | undefined;
  for (let hop = 0; hop <= maxHops; hop += 1) {
    const url = URL.canParse(location, base) ? new URL(location, base) : null;
    if (url === null || !rules.isAllowed(url)) {
      return yield* Effect.fail<Problem>({
        ...problem("BadResponse", `files are not fetched from ${url?.origin ?? "what is no URL"}`),
        isPermanent: true,
      });
    }
    const step = yield* Effect.tryPromise({
      try: (signal) => fetchHop(rules, url, signal),
      catch: (error) => problem("Unavailable", networkErrorText(error)),
    });
    if (!("location" in step)) return step;
    location = step.location;
    base = url.href;
  }
  return yield* Effect.fail(problem("BadResponse", `more than ${maxHops} redirects`));
});

type Hop = { readonly location: string } | Result.Result<Body, Problem>;

const fetchHop = async (rules: DownloadRules, url: URL, signal: AbortSignal): Promise<Hop> => {
  // Unencoded, so that the announced length is the length of the file.
  const response = await rules.fetch(url, {
    redirect: "manual",
    headers: { "accept-encoding": "identity" },
    signal,
  });
  const location = response.headers.get("location");
  const isRedirect = response.status >= 300 && response.status < 400 && location !== null;
  if (isRedirect || response.status !== 200) {
    await response.body?.cancel();
    return isRedirect ? { location } : Result.fail(statusProblem(response.status));
  }
  return readFile(response, rules.maxBytes);
};

const statusProblem = (status: number): Problem => {
  const detail = `the file was answered with HTTP ${status}`;
  if ([403, 404, 410].includes(status)) return { ...problem("OutputExpired", detail), status };
  const isPassing = status === 408 || status === 429 || status >= 500;
  return { ...problem(isPassing ? "Unavailable" : "BadResponse", detail), status };
};

const readFile = async (
  response: Response,
  maxBytes: number,
): Promise<Result.Result<Body, Problem>> =>
  Result.mapBoth(await readBody(response, maxBytes), {
    onFailure: ({ kind, detail }) => {
      if (kind === "tooLarge") return tooLarge(maxBytes);
      return kind === "lost"
        ? problem("Unavailable", detail)
        : problem("BadResponse", `the file ${detail}`);
    },
    onSuccess: (bytes) => ({ bytes, claimedType: response.headers.get("content-type") }),
  });
