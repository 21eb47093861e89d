/**
 * Bugs of what makes everything quick: owners and services without fibers, groups that overlap, transitions
 * that are remembered.
 */
import { bug, type PlantedBug } from "./planted-bug.ts";

const owner = "runtime/jobs/job-owner.ts";
const jobs = "runtime/jobs/jobs.ts";
const groupCommit = "runtime/group-commit.ts";
const memory = "machines/transition-memory.ts";

export const wakeUpBugs: ReadonlyArray<PlantedBug> = [
  bug("what a pause held back is not looked at after it", {
    file: owner,
    find: "    if (staged.held.length > 0 && !staged.snapshot.context.isPaused) this.#isDue = true;\n",
    replace: "",
  }),
  bug("what comes while a job leaves memory is read by nobody", {
    file: owner,
    find: "readonly hasUnread = () => this.#inboxDue;",
    replace: "readonly hasUnread = () => this.#inboxDue && this.#seq < 0;",
  }),
  bug("a nudge while the inbox is being read is forgotten", {
    file: owner,
    find: "this.#isDue = this.#inboxDue;",
    replace: "this.#isDue = false;",
  }),
  bug("what came along with an intent over a budget is lost", {
    file: "runtime/jobs/job-sequencer.ts",
    find: "  return rest;",
    replace: "  return rest.slice(rest.length);",
  }),
  bug("a step that may not run again runs at once", {
    file: "runtime/services/run-step.ts",
    find: 'phase === "idle" && timer === null && sharesCommit(run)',
    replace: 'phase === "idle" && timer === null',
  }),
  bug("a job is unloaded with what it has just begun in its hands", {
    file: owner,
    find: "      if (staged.entries.length > 0) this.#passivateDue = false;\n",
    replace: "",
  }),
  bug("a service that is stopped runs on", {
    file: "runtime/jobs/job-services.ts",
    find: "    running?.fiber?.interruptUnsafe();\n",
    replace: "    if (running === undefined) return;\n",
  }),
  bug("a refused submit keeps its slot", {
    file: jobs,
    find: "if (starts) this.#reserved -= 1;",
    replace: "if (starts && !Exit.hasFails(exit)) this.#reserved -= 1;",
  }),
  bug("a job that leaves memory does not say what it waits for", {
    file: jobs,
    find: '    if (end === "passivated") this.#timersChanged.openUnsafe();\n',
    replace: "",
  }),
  bug("whoever waits for a job that another took over waits for ever", {
    file: jobs,
    find: '    if (end === "fenced") this.#rest.tell(owner.record().jobId, null);\n',
    replace: "",
  }),
  bug("more writes than a group takes wait for somebody else's", {
    file: groupCommit,
    find: "if (waiting.length === 0) work.closeUnsafe();",
    replace: "work.closeUnsafe();",
  }),
  bug("a commit that was applied and not answered counts as a takeover", {
    file: groupCommit,
    find: "const again = group.map((waiter) => ({ ...waiter, isRepeated: true }));",
    replace: "const again = group;",
  }),
  bug("the next group goes out while the one before is under way", {
    file: groupCommit,
    find: "      const result = yield* Fiber.join(committing);",
    replace: `      if (isBeside && waiting.length > 0) {
        const early = waiting;
        waiting = [];
        yield* Effect.forkChild(
          Effect.tap(commitAll(early), (answers) =>
            Effect.sync(() => {
              for (const [index, answer] of answers.entries()) early[index]?.settle(answer);
            }),
          ),
        );
      }
      const result = yield* Fiber.join(committing);`,
  }),
  bug("a remembered transition does not look at where RETRY leads", {
    file: memory,
    find: "    Object.entries(snapshot.historyValue).map(([id, nodes]) => [id, nodes.map((node) => node.id)]),\n",
    replace: "",
  }),
  bug("a remembered transition hangs on its first question only", {
    file: memory,
    find: "grown(ways.get(entry.type), answers, way)",
    replace: "grown(ways.get(entry.type), answers.slice(0, 1), way)",
  }),
];
