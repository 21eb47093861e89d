/** What a failed `fetch` says, in one line and without what it was sent. */

/** `fetch failed: ECONNREFUSED 127.0.0.1:80`: the message, the cause's code and where it was met, as far as they are known. */
export const networkErrorText = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const reason = cause instanceof Error ? codeOf(cause) : "";
  return reason === "" ? error.message : `${error.message}: ${reason}`;
};

/** The code of the cause, such as `ECONNREFUSED`; empty where there is none. */
export const networkErrorCode = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : "";
};

const codeOf = (error: Error): string =>
  "code" in error && typeof error.code === "string"
    ? `${error.code}${placeOf(error)}`
    : error.message;

/** The host that has no address, or the address where nobody listens: a wrong base URL is seen by it. */
const placeOf = (error: Error): string => {
  const field = (name: string): unknown => Reflect.get(error, name);
  const [hostname, address, port] = [field("hostname"), field("address"), field("port")];
  if (typeof hostname === "string") return ` ${hostname}`;
  return typeof address === "string" && typeof port === "number" ? ` ${address}:${port}` : "";
};
