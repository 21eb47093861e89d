/**
 * Answers for requests that are still open when the API closes: a body that never ends, a host's check that
 * never answers. Nobody is left waiting for a service that is gone.
 */
import { goneResponse } from "./problem.ts";

type Answer = (request: Request) => Promise<Response>;

export interface LastAnswers {
  readonly answer: Answer;
  /** Answers 503 to whoever still waits, and to whoever comes later. */
  readonly close: () => void;
}

export const withLastAnswers = (answer: Answer): LastAnswers => {
  const open = new Set<(response: Response) => void>();
  let isClosed = false;
  return {
    answer: (request) =>
      new Promise((resolve, reject) => {
        if (isClosed) {
          resolve(goneResponse());
          return;
        }
        open.add(resolve);
        answer(request)
          .then(resolve, reject)
          .finally(() => open.delete(resolve));
      }),
    close: () => {
      isClosed = true;
      for (const resolve of open) resolve(goneResponse());
    },
  };
};
