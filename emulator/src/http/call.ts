/** One request as the handlers see it. */
import type { IncomingHttpHeaders } from "node:http";
import { parseJson } from "../json.ts";

export interface Call {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Scheme, host and port by which the client reached us. */
  readonly origin: string;
  /** What the route's pattern captured. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A path parameter; a route that asks for one it does not capture is a mistake in the route table. */
export function parameter({ parameters }: Call, name: string): string {
  const value = parameters[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}

/** The body as JSON; undefined where it is none. */
export function jsonBody({ body }: Call): unknown {
  return parseJson(body.toString("utf8"));
}

/** The bearer token, empty where there is none. The old scheme `Token` is accepted too. */
export function bearerToken({ headers }: Pick<Call, "headers">): string {
  return (
    /^(?:Bearer|Token)\s+(?<token>\S+)$/iu.exec(headers.authorization ?? "")?.groups?.["token"] ??
    ""
  );
}
