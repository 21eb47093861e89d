/**
 * How many files are in memory at a time on their way to a provider, and from it: thousands of calls may be let pass,
 * or end, together, or wait for a disk.
 */
import { type Effect, Semaphore } from "effect";
import type { ModelClient } from "../../steps/model-client.ts";

const maxFiles = 32;

/** Each way by itself: who waits for a disk keeps nobody from asking. */
interface Permits {
  readonly toProvider: Semaphore.Semaphore;
  readonly fromProvider: Semaphore.Semaphore;
}

const permits = new WeakMap<ModelClient, Permits>();

/** Runs what holds one file of the client in memory, once there is room for it. */
export const withFileInMemory = <A, E>(
  client: ModelClient,
  way: keyof Permits,
  use: Effect.Effect<A, E>,
): Effect.Effect<A, E> => {
  const known = permits.get(client) ?? {
    toProvider: Semaphore.makeUnsafe(maxFiles),
    fromProvider: Semaphore.makeUnsafe(maxFiles),
  };
  permits.set(client, known);
  return known[way].withPermits(1)(use);
};
