/** Reads a response's body no further than it may be long, and notices where it breaks off. */
import { Result } from "effect";
import { networkErrorText } from "./network-error.ts";

/** Why a body is not there: longer than allowed, shorter than announced, or the connection broke. */
export type BodyTrouble =
  | { readonly kind: "tooLarge"; readonly detail: string }
  | { readonly kind: "cutShort"; readonly detail: string }
  | { readonly kind: "lost"; readonly detail: string };

/** The announced length; null where there is none, or where it counts an encoded body. */
const announcedLength = ({ headers }: Response): number | null => {
  const header = headers.get("content-length");
  return header === null || headers.has("content-encoding") ? null : Number(header);
};

/** The whole body, decoded; never holds more than `maxBytes` and the last chunk. */
export const readBody = async (
  response: Response,
  maxBytes: number,
): Promise<Result.Result<Uint8Array, BodyTrouble>> => {
  const expected = announcedLength(response);
  const stream: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined;
  const chunks: Array<Uint8Array> = [];
  let size = 0;
  try {
    for await (const chunk of stream ?? []) {
      size += chunk.length;
      // Leaving the loop cancels the stream.
      if (size > maxBytes) return tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    return expected !== null && size < expected
      ? cutShort(size, expected)
      : Result.fail({ kind: "lost", detail: networkErrorText(error) });
  }
  if (expected !== null && size !== expected) return cutShort(size, expected);
  return Result.succeed(Buffer.concat(chunks));
};

const tooLarge = (maxBytes: number): Result.Result<never, BodyTrouble> =>
  Result.fail({ kind: "tooLarge", detail: `larger than ${maxBytes} bytes` });

const cutShort = (size: number, expected: number): Result.Result<never, BodyTrouble> =>
  Result.fail({ kind: "cutShort", detail: `ended after ${size} of ${expected} bytes` });
