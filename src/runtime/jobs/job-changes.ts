/** Who wants to know at once when a job of this process has moved on. */
export class JobChanges {
  readonly #listeners = new Map<string, Set<() => void>>();

  readonly note = (jobId: string): void => {
    for (const listener of this.#listeners.get(jobId) ?? []) listener();
  };

  /** Calls back after every commit of the job here, until the answer is called. */
  listen(jobId: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(jobId) ?? new Set();
    this.#listeners.set(jobId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(jobId) === listeners)
        this.#listeners.delete(jobId);
    };
  }
}
