/** Bugs that this design is meant to make impossible, each as the smallest change that brings it in. */

export interface Edit {
  /** Under `src/`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug {
  readonly name: string;
  readonly edits: ReadonlyArray<Edit>;
}

const bug = (name: string, ...edits: ReadonlyArray<Edit>): PlantedBug => ({ name, edits });

const owner = "runtime/job-owner.ts";
const sequencer = "runtime/job-sequencer.ts";
const groupCommit = "runtime/group-commit.ts";
const memory = "runtime/journal-stores/memory";

export const plantedBugs: ReadonlyArray<PlantedBug> = [
  bug(
    "services start before their commit",
    {
      file: owner,
      find: "        const isOurs = yield* this.#commit(staged);",
      replace: `        for (const service of staged.start) this.#start(service);
        const isOurs = yield* this.#commit(staged);`,
    },
    {
      file: owner,
      find: `    for (const service of staged.start) this.#start(service);
    for (const { key }`,
      replace: "    for (const { key }",
    },
  ),
  bug("a refused batch is adopted all the same", {
    file: owner,
    find: '        if (!isOurs) return "fenced";',
    replace: "        if (!isOurs) this.#inboxDue = false;",
  }),
  bug("the remote cancel goes out before its entry is committed", {
    file: owner,
    find: "        const isOurs = yield* this.#commit(staged);",
    replace: `        for (const { key } of staged.cancels) this.#host.providers.cancel(key);
        const isOurs = yield* this.#commit(staged);`,
  }),
  bug("a nudge does not wake a job that sleeps", {
    file: owner,
    find: `    this.#inboxDue = true;
    this.#hasMail.openUnsafe();`,
    replace: "    this.#inboxDue = true;",
  }),
  bug("of several messages only the first is read", {
    file: owner,
    find: "facts: row.facts,",
    replace: "facts: row === rows[0] ? row.facts : [],",
  }),
  bug("a pause is noted and ignored", {
    file: sequencer,
    find: "(draft.snapshot.context.isPaused && mail.facts.some(startsWork))",
    replace: "false",
  }),
  bug("what a stopped service says is still heard", {
    file: sequencer,
    find: "(view.isCurrent(mail.from.id, mail.from.token) && !draft.stop.includes(mail.from.id))",
    replace: "view.snapshot !== undefined",
  }),
  bug("a cancel does not reach the ledger", {
    file: sequencer,
    find: '  if (entry.type !== "CancelRequested") return [];',
    replace: "  if (entry.seq > 0) return [];",
  }),
  bug("an append asks for neither epoch nor seq", {
    file: `${memory}/writes.ts`,
    find: "file === undefined || file.job.epoch !== write.epoch || file.job.seq !== write.afterSeq",
    replace: "file === undefined",
  }),
  bug("a job is let go while a prediction of it is open", {
    file: `${memory}/journals.ts`,
    find: "if (file.isReleased && !file.predictionKeys.some((key) => this.openKeys.has(key)))",
    replace: "if (file.isReleased)",
  }),
  bug("one prediction can belong to two intents", {
    file: `${memory}/writes.ts`,
    find: "  return holder !== undefined && holder !== row.key;",
    replace: "  return holder === row.key && false;",
  }),
  bug("a batch is released by half", {
    file: groupCommit,
    find: "for (const [index, waiter] of group.entries()) {",
    replace:
      "for (const [index, waiter] of group.slice(0, Math.ceil(group.length / 2)).entries()) {",
  }),
  bug("a failed batch is forgotten", {
    file: groupCommit,
    find: "      const again = group.filter(({ mayFail }) => !mayFail);",
    replace: "      const again = group.filter(({ mayFail }) => !mayFail).slice(1);",
  }),
  bug("the create is sent before its intent is committed", {
    file: "runtime/model-call.ts",
    find: `  yield* run.job.append(fact);
  const { call }`,
    replace: `  const early = rowOf(
    { ...fact, seq: 0, at: yield* Clock.currentTimeMillis },
    run.job.jobId,
  );
  run.provider.watcher.send({ row: early, input: prepared.success.input });
  yield* run.job.append(fact);
  if (fact.call > 0) return;
  const { call }`,
  }),
  bug("nobody looks before a call times out", {
    file: "runtime/model-step.ts",
    find: `  if (bound === null) return;
  yield* provider.watcher.look(call.key);`,
    replace: "  if (bound === null) return;",
  }),
  bug("an interrupted step cancels its prediction", {
    file: "runtime/model-step.ts",
    find: "return call.timedOut === null ? awaitAnswer(run, call) : awaitClosing(run, call);",
    replace: `const cancel = Effect.flatMap(run.job.host.store.prediction(call.key), (row) =>
    row._tag === "Some" && row.value.predictionId !== null
      ? run.provider.client.cancel(row.value.predictionId)
      : Effect.void,
  );
  return call.timedOut === null
    ? Effect.onInterrupt(awaitAnswer(run, call), () => Effect.ignore(cancel))
    : awaitClosing(run, call);`,
  }),
  bug("a step that may not run again runs again", {
    file: "runtime/run-step.ts",
    find: "    if (!node.step.isRepeatable) return yield* failStep(run, outcomeUnknown);\n",
    replace: "",
  }),
  bug("a step that may not run again does not wait for its start", {
    file: "runtime/run-step.ts",
    find: "if (run.node.step.isRepeatable && !run.job.context().isPaused)",
    replace: "if (!run.job.context().isPaused)",
  }),
  bug("timers trust the clock", {
    file: "runtime/attempt.ts",
    find: "  Math.min(Math.max(timer.wakeAt - now, 0), timer.delayMs);",
    replace: "  Math.max(timer.wakeAt - now, 0);",
  }),
  bug("attempt numbers begin anew with every round", {
    file: "runtime/attempt.ts",
    find: "  const attempt = progress.attempt + 1;",
    replace: "  const attempt = progress.attemptsInRound + 1;",
  }),
  bug("a takeover is not written down", {
    file: "runtime/claim.ts",
    find: "    claim: { owner: claimant.owner, epoch },",
    replace: "    claim: { owner: claimant.owner, epoch: stored.epoch },",
  }),
  bug("a settled call stays open in the fold", {
    file: "machines/record.ts",
    find: "  const { [entry.key]: _, ...open } = context.open;",
    replace: "  const open = context.open;",
  }),
  bug("what a cancelled prediction cost is not booked", {
    file: "runtime/price-table.ts",
    find: '  if (prediction.status === "aborted")',
    replace: '  if (prediction.status !== "succeeded")',
  }),
];
