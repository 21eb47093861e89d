/**
 * Clients of workers that are killed: each submits one job over HTTP under a key of its own, again and again
 * at whichever worker answers, until one of them has said 202. What was said after that is compared.
 */
import { setTimeout as pause } from "node:timers/promises";

/** What a client was told. */
export interface Acknowledged {
  readonly key: string;
  /** Every id that was ever answered for the key; more than one would be a double. */
  readonly jobIds: ReadonlySet<string>;
  /** How often a connection broke, or a worker could not say. */
  readonly broken: number;
}

export interface Clients {
  /** Where workers answer now; it may be none. */
  readonly urls: () => ReadonlyArray<string>;
  readonly apiKey: string;
  /** A worker at this address has acknowledged a submit. */
  readonly onAcknowledged: (url: string) => void;
}

const pauseMs = 20;

/** Submits until it is acknowledged, and then once more somewhere else. Rejects for any answer but 202 and 503. */
export const submitted = async (clients: Clients, number: number): Promise<Acknowledged> => {
  const key = `job-${number}`;
  // Every third product is as the one before: equal inputs must not be confused, and may be exchanged.
  const product = `product ${number - (number % 3 === 2 ? 1 : 0)}`;
  const jobIds = new Set<string>();
  let [said, broken] = [0, 0];
  for (let turn = number; said < 2; turn += 1) {
    const urls = clients.urls();
    const url = urls[turn % urls.length];
    const jobId =
      url === undefined ? null : await post(`${url}/killed-chain`, { ...clients, key, product });
    if (jobId === null || url === undefined) {
      if (url !== undefined) broken += 1;
      await pause(pauseMs);
    } else {
      clients.onAcknowledged(url);
      said += 1;
      jobIds.add(jobId);
    }
  }
  return { key, jobIds, broken };
};

interface Submission {
  readonly apiKey: string;
  readonly key: string;
  readonly product: string;
}

/** The job's id; null where nobody could say whether there is one. */
const post = async (url: string, { apiKey, key, product }: Submission): Promise<string | null> => {
  const told = await fetch(url, {
    method: "POST",
    headers: {
      authorization: `Bearer ${apiKey}`,
      "content-type": "application/json",
      "idempotency-key": key,
    },
    body: JSON.stringify({ product }),
  })
    .then(async (response) => ({ status: response.status, text: await response.text() }))
    // The worker was killed in the middle.
    .catch(() => null);
  if (told === null || told.status === 503) return null;
  const jobId = /"job_id":"([^"]+)"/.exec(told.text)?.[1];
  if (told.status === 202 && jobId !== undefined) return jobId;
  throw new Error(`${key}: expected 202, got ${told.status}: ${told.text}`);
};
