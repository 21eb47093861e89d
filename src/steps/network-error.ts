/** What a failed `fetch` says, in one line and without what it was sent. */

/** `fetch failed: ECONNREFUSED`: the message and, where there is one, the cause's code. */
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
  "code" in error && typeof error.code === "string" ? error.code : error.message;
