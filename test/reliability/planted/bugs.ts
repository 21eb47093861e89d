/** Bugs that this design is meant to make impossible: of the order of writing and of the pay-once ledger. */
import { boundaryBugs } from "./boundary-bugs.ts";
import { bug, type PlantedBug } from "./planted-bug.ts";
import { wakeUpBugs } from "./wake-up-bugs.ts";

const owner = "runtime/jobs/job-owner.ts";
const sequencer = "runtime/jobs/job-sequencer.ts";
const groupCommit = "runtime/group-commit.ts";
const memory = "runtime/journal-stores/memory";
const lost = "runtime/predictions/lost-prediction.ts";
const watched = "runtime/predictions/watched-prediction.ts";
const sending = "runtime/predictions/prediction-sending.ts";

export const plantedBugs: ReadonlyArray<PlantedBug> = [
  ...wakeUpBugs,
  ...boundaryBugs,
  bug(
    "services start before their commit",
    {
      file: owner,
      find: "    this.#commit(staged, (end) => {",
      replace: `    for (const service of staged.start) this.#services.start(service);
    this.#commit(staged, (end) => {`,
    },
    {
      file: owner,
      find: `    for (const service of staged.start) this.#services.start(service);
    for (const { key }`,
      replace: "    for (const { key }",
    },
  ),
  bug("a refused batch is adopted all the same", {
    file: owner,
    find: '      if (end === "fenced") return this.#end("fenced");',
    replace: '      if (end === "fenced") this.#inboxDue = false;',
  }),
  bug("the remote cancel goes out before its entry is committed", {
    file: owner,
    find: "    this.#commit(staged, (end) => {",
    replace: `    for (const { key } of staged.cancels) this.#host.providers.cancel(key);
    this.#commit(staged, (end) => {`,
  }),
  bug("a nudge does not wake a job that sleeps", {
    file: owner,
    find: `    this.#inboxDue = true;
    this.#wake();`,
    replace: "    this.#inboxDue = true;",
  }),
  bug("of several messages only the first is read", {
    file: "runtime/jobs/inbox-mail.ts",
    find: "rows.map(mailOf)",
    replace: "rows.map((row, index) => mailOf(index === 0 ? row : { ...row, facts: [] }))",
  }),
  bug("a pause is noted and ignored", {
    file: sequencer,
    find: "(draft.snapshot.context.isPaused && mail.facts.some(startsWork))",
    replace: "false",
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
  bug("a budget is looked at only before the reservation", {
    file: `${memory}/writes.ts`,
    find: "  if (over !== null) return over;",
    replace: "  if (over?.key === file.job.tenant) return over;",
  }),
  bug("a receipt does not free what was reserved", {
    file: `${memory}/journals.ts`,
    find: "this.spending.book(file.job.tenant, this.predictions.get(row.key), row);",
    replace:
      "if (!this.predictions.has(row.key)) this.spending.book(file.job.tenant, undefined, row);",
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
    find: "for (const [index, answer] of answers.entries()) group[index]?.settle(answer);",
    replace: `const half = Math.ceil(group.length / 2);
    for (const [index, answer] of answers.slice(0, half).entries()) group[index]?.settle(answer);`,
  }),
  bug("a failed batch is forgotten", {
    file: groupCommit,
    find: "      waiting = all.filter(({ mayFail }) => !mayFail);",
    replace: "      waiting = all.filter(({ mayFail }) => !mayFail).slice(1);",
  }),
  bug(
    "the create is sent before its intent is committed",
    {
      file: "runtime/services/model-call.ts",
      find: "  const fact = yield* intentOf(run, permitted);\n",
      replace: `  const fact = yield* intentOf(run, permitted);
  const at = yield* Clock.currentTimeMillis;
  const early = rowOf({ ...fact, seq: 0, at }, run.job.jobId);
  watcher.send({ row: early, input: permitted.input });
`,
    },
    {
      file: "runtime/services/model-call.ts",
      find: "    return watcher.send({ row: intended, input: permitted.input });",
      replace: "    return undefined;",
    },
  ),
  bug("nobody looks before a call times out", {
    file: "runtime/services/model-step.ts",
    find: `  if (bound === null) return;
  yield* provider.watcher.look(call.key);`,
    replace: "  if (bound === null) return;",
  }),
  bug("an interrupted step cancels its prediction", {
    file: "runtime/services/model-step.ts",
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
    file: "runtime/services/run-step.ts",
    find: "    if (!run.node.step.isRepeatable) return yield* failStep(run, outcomeUnknown);\n",
    replace: "",
  }),
  bug("a step that may not run again does not wait for its start", {
    file: "runtime/services/run-step.ts",
    find: "node.step.isRepeatable && !isPaused && takenOverSeq === null",
    replace: "!isPaused && takenOverSeq === null",
  }),
  bug("timers trust the clock", {
    file: "runtime/services/attempt.ts",
    find: "  Math.min(Math.max(timer.wakeAt - now, 0), timer.delayMs);",
    replace: "  Math.max(timer.wakeAt - now, 0);",
  }),
  bug("attempt numbers begin anew with every round", {
    file: "runtime/services/attempt.ts",
    find: "  const attempt = progress.attempt + 1;",
    replace: "  const attempt = progress.attemptsInRound + 1;",
  }),
  bug("a takeover is not written down", {
    file: "runtime/jobs/claim.ts",
    find: "    claim: { owner: claimant.owner, epoch },",
    replace: "    claim: { owner: claimant.owner, epoch: stored.epoch },",
  }),
  bug("a settled call stays open in the fold", {
    file: "machines/record.ts",
    find: "  const { [entry.key]: _, ...open } = context.open;",
    replace: "  const open = context.open;",
  }),
  bug("what a cancelled prediction cost is not booked", {
    file: "runtime/predictions/price-table.ts",
    find: '  if (prediction.status === "aborted")',
    replace: '  if (prediction.status !== "succeeded")',
  }),
  bug("an orphan is adopted whatever its input", {
    file: lost,
    find: "one.key === row.key || isDataGone(one) || hashJson(one.input) === row.inputHash;",
    replace: "one.createdAt !== null || hashJson(one.input) === row.inputHash;",
  }),
  bug("absent after one empty listing", {
    file: lost,
    find: "if (isConfirmed && elapsedMs >= graceLeftMs)",
    replace: "if (isConfirmed || elapsedMs <= graceLeftMs)",
  }),
  bug(
    "a prediction is settled by everybody who sees its end",
    {
      file: watched,
      find: '        from: ["accepted", "duplicate"],',
      replace: '        from: ["accepted", "duplicate", "settled"],',
    },
    {
      file: watched,
      find: 'const id = `${key}:${change.state ?? "changed"}`;',
      replace: "const id = `${key}:${Math.random()}`;",
    },
    {
      file: "machines/compiler.ts",
      find: '  PredictionSettled: { guard: "isOwed", actions: "record" },',
      replace: '  PredictionSettled: { actions: "record" },',
    },
  ),
  bug("the job hears of the answer before the ledger has it", {
    file: watched,
    find: "      const result = yield* this.#host.committer.commit(write);",
    replace: `      if (inbox !== null) {
        yield* this.#host.committer.commit({ type: "PostInbox", row: inbox });
        this.#host.nudge(jobId);
        yield* Effect.sleep(5);
      }
      const result = yield* this.#host.committer.commit({ ...write, inbox: null });`,
  }),
  bug("recovery sends again what it finds intended", {
    file: "runtime/predictions/prediction-watcher.ts",
    find: "    if (isOpen(row)) {",
    replace: `    if (row.state === "intended") this.send({ row, input: { prompt: "tea" } });
    else if (isOpen(row)) {`,
  }),
  bug("a double is noted and runs on", {
    file: "runtime/predictions/prediction-watcher.ts",
    find: 'if (result.type === "Committed") this.follow(double);',
    replace: 'if (result.type !== "Committed") this.follow(double);',
  }),
  bug("whoever intended sends, owner or not", {
    file: sending,
    find: "return isOurs && !watched.isCancelWanted",
    replace: "return (isOurs || ageMs >= 0) && !watched.isCancelWanted",
  }),
  bug("a create is sent however late", {
    file: sending,
    find: "ageMs <= settings.orphanGraceMs / 4;",
    replace: "ageMs <= settings.orphanGraceMs * 100;",
  }),
  bug("a lost answer counts as none", {
    file: sending,
    find: "      : onUnknown(sender, watched, refusal),",
    replace: '      : Effect.asVoid(watched.absent(refusal.detail !== "")),',
  }),
];
