/** Bugs where Catena meets a file, a provider's reports, a person's signal, and a budget. */
import { bug, type PlantedBug } from "./planted-bug.ts";

const sqlite = "runtime/journal-stores/sqlite";
const hints = "runtime/predictions/prediction-hints.ts";
const signalStep = "runtime/services/signal-step.ts";

export const boundaryBugs: ReadonlyArray<PlantedBug> = [
  bug("an append to a file asks for no epoch", {
    file: `${sqlite}/writes.ts`,
    find: '"WHERE ordinal = ? AND job_id = ? AND epoch = ? AND seq = ?"',
    replace: '"WHERE ordinal = ? AND job_id = ? AND epoch >= ? AND seq = ?"',
  }),
  bug("an ambiguous commit is known by its seq alone", {
    file: `${sqlite}/writes.ts`,
    find: "AND seq = ? AND entries = ?`)\n      .get(jobId, first.seq, JSON.stringify(last.entries))",
    replace: "AND seq = ?`)\n      .get(jobId, first.seq)",
  }),
  bug("an entry in the middle of its append is not found", {
    file: `${sqlite}/reads.ts`,
    find: "WHERE ${ofJob} AND seq <= ? ORDER BY seq DESC LIMIT 1`",
    replace: "WHERE ${ofJob} AND seq = ?`",
  }),
  bug("a message that was read is forgotten, and read again", {
    file: `${sqlite}/writes.ts`,
    find: "\"UPDATE inbox SET consumed = 1, facts = '[]' WHERE id = ? AND job_id = ?\"",
    replace: '"DELETE FROM inbox WHERE id = ? AND job_id = ?"',
  }),
  bug("a file's budgets are not asked in the intent's transaction", {
    file: `${sqlite}/writes.ts`,
    find: "  if (over !== null) return over;\n",
    replace: "  if (over?.key === write.jobId) return over;\n",
  }),
  bug("a call is booked on the day that it ends", {
    file: `${sqlite}/spending.ts`,
    find: "const day = dayOf(after.intendedAt);",
    replace: "const day = dayOf(after.settledAt ?? after.intendedAt);",
  }),
  bug("a report during a look is forgotten", {
    file: hints,
    find: "          if (isRepeated === true) this.#look(key);\n",
    replace: "          if (isRepeated === undefined) this.#look(key);\n",
  }),
  bug("a second report that another process kept is not heard", {
    file: hints,
    find: "if (before.get(key) !== hintedAt) this.#look(key);",
    replace: "if (!before.has(key) && hintedAt > 0) this.#look(key);",
  }),
  bug("a report that comes before the wait for the next look is forgotten", {
    file: "runtime/predictions/watched-prediction.ts",
    find: "    const slept = Effect.as(Effect.sleep(waitMs), true);",
    replace: `    this.#woken.closeUnsafe();
    const slept = Effect.as(Effect.sleep(waitMs), true);`,
  }),
  bug("a signal that was sent in time and not read comes too late", {
    file: signalStep,
    find: "  if (yield* isUnread(run)) return yield* received;\n",
    replace: "",
  }),
  bug("a signal that comes while its step times out is lost", {
    file: signalStep,
    find: 'job.appendWhile(({ steps }) => steps[path]?.phase === "awaiting", {',
    replace: "job.appendWhile(() => true, {",
  }),
  bug("a second signal takes the place of the first", {
    file: "machines/compiler.ts",
    find: "event.path === path && !(path in context.signals),",
    replace: "event.path === path,",
  }),
  bug("a timeout does not reach the ledger", {
    file: "runtime/jobs/job-sequencer.ts",
    find: '  if (entry.type === "AttemptTimedOut")',
    replace: '  if (entry.type === "AttemptTimedOut" && entry.seq < 0)',
  }),
];
