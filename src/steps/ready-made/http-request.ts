/** One HTTP request, checked before it is sent; nothing that it is refused for shows a header's value. */
import { Effect, Option, Schema } from "effect";
import { ValidationFailure } from "../failure.ts";
import type { AnySchema } from "../step.ts";
import { concealing, type HeaderFields, plainValue } from "./http-secrets.ts";

export const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;
export type HttpMethod = (typeof methods)[number];

/** JSON, a form, or bytes and text with a media type of their own. */
export type HttpBody = Schema.Json | URLSearchParams | Blob;

export interface RequestOptions<I> {
  readonly input: AnySchema<I>;
  /** Default: POST. */
  readonly method?: HttpMethod;
  /** `http:` or `https:`, without credentials. Who it leads to is trusted with the headers. */
  readonly url: string | URL | ((input: NoInfer<I>) => string | URL);
  /** Asked for anew by each attempt; values are kept out of failures, and Redacted ones are welcome. */
  readonly headers?: HeaderFields | ((input: NoInfer<I>) => HeaderFields | Promise<HeaderFields>);
  /** Default: the input as JSON, for POST, PUT and PATCH. */
  readonly body?: (input: NoInfer<I>, context: { readonly key: string }) => HttpBody | undefined;
  /** The header that carries the step's key; GET needs none. Default: `Idempotency-Key`. */
  readonly keyHeader?: string;
}

export interface HttpRequest {
  readonly method: HttpMethod;
  readonly url: URL;
  readonly headers: Headers;
  readonly body: string | URLSearchParams | Blob | null;
  /** Strikes the request's secrets out of a text. */
  readonly conceal: (text: string) => string;
}

export interface Sending {
  /** The step's own. */
  readonly key: string;
  /** What is wanted, where the user's headers do not say it. */
  readonly accept: string;
}

/**
 * The request for this input. What a function of the user's throws and what no header can hold is a
 * defect. Fails with: ValidationFailure (request) where the URL is none to be asked.
 */
export const httpRequest = Effect.fnUntraced(function* <I>(
  options: RequestOptions<I>,
  input: I,
  { key, accept }: Sending,
) {
  const { method = "POST", keyHeader = "Idempotency-Key" } = options;
  const url = yield* urlOf(typeof options.url === "function" ? options.url(input) : options.url);
  const { headers: given = {} } = options;
  const own = yield* Effect.promise(async () =>
    typeof given === "function" ? given(input) : given,
  );
  const headers = headersOf(own);
  if (!headers.has("accept")) headers.set("accept", accept);
  if (method !== "GET") headers.set(keyHeader, key);
  const body = yield* bodyOf(options, method, { input, key });
  const content = contentOf(body);
  if (content !== null && typeof content === "string" && !headers.has("content-type"))
    headers.set("content-type", "application/json");
  return {
    method,
    url,
    headers,
    body: content,
    conceal: concealing(own, url),
  } satisfies HttpRequest;
});

const refusedUrl = (message: string): ValidationFailure =>
  new ValidationFailure({ at: "request", issues: [{ path: "url", message }] });

const urlOf = (given: string | URL): Effect.Effect<URL, ValidationFailure> => {
  const url = URL.parse(String(given));
  if (url === null) return Effect.fail(refusedUrl("expected a URL, got something else"));
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return Effect.fail(refusedUrl(`expected an http or https URL, got ${url.protocol}`));
  if (url.username !== "" || url.password !== "")
    return Effect.fail(refusedUrl("expected a URL without credentials: send them in headers"));
  return Effect.succeed(url);
};

const headersOf = (fields: HeaderFields): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) {
    try {
      headers.set(name, plainValue(value));
    } catch {
      // The platform's own message would show the value.
      throw new TypeError(
        `expected the header ${JSON.stringify(name)} to have a name and a value that HTTP allows`,
      );
    }
  }
  return headers;
};

const bodyOf = <I>(
  options: RequestOptions<I>,
  method: HttpMethod,
  { input, key }: { readonly input: I; readonly key: string },
): Effect.Effect<HttpBody | undefined> => {
  if (options.body !== undefined) return Effect.succeed(options.body(input, { key }));
  if (method === "GET" || method === "DELETE") return Effect.succeed(undefined);
  const encode = Schema.encodeUnknownEffect(Schema.toCodecJson(options.input));
  return Effect.orDie(encode(input));
};

const decodeJson = Schema.decodeUnknownOption(Schema.Json);

const contentOf = (body: HttpBody | undefined): string | URLSearchParams | Blob | null => {
  if (body === undefined) return null;
  if (body instanceof URLSearchParams || body instanceof Blob) return body;
  return Option.match(decodeJson(body), {
    onNone: () => {
      throw new TypeError("expected body to give JSON, URLSearchParams or a Blob");
    },
    onSome: (json) => JSON.stringify(json),
  });
};
