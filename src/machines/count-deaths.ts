/** How many owners of a job have died since anything came of it: the part of the fold that poison is told by. */
import type { JobContext } from "./context.ts";
import type { Entry, EntryOf } from "./entry.ts";

/** So many in a row make a job poison, and leave a prediction's files uncopied. */
export const maxDeaths = 3;

/** The context after the entry, which is folded already but for this. */
export const countDeaths = (context: JobContext, entry: Entry): JobContext => {
  if (entry.type === "Claimed") return entry.isTakeover ? takenOver(context, entry) : context;
  return context.takenOverSeq === null || !isProgress(entry)
    ? context
    : { ...context, claims: 0, takenOverSeq: null };
};

const takenOver = (context: JobContext, entry: EntryOf<"Claimed">): JobContext => {
  const isSuspect = entry.isSuspect ?? !isAwaiting(context);
  const claims = isSuspect ? context.claims + 1 : context.claims;
  return { ...context, claims, takenOverSeq: entry.seq };
};

/** What was known of a takeover before entries said whether the job was suspect. */
const isAwaiting = ({ steps }: JobContext): boolean =>
  Object.values(steps).some(({ phase }) => phase === "awaiting");

/** What begins something, or is about to: a start that never comes to anything is what poison looks like. */
const beginnings: ReadonlySet<Entry["type"]> = new Set([
  "JobSubmitted",
  "JobStarted",
  "StepStarted",
  "AttemptHeld",
  "PredictionIntended",
  "PredictionAbsent",
]);

const isProgress = ({ type }: Entry): boolean => !beginnings.has(type);
