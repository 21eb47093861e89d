/**
 * One path against the real runtime: after each move the job must stand where the path says, and at the
 * end the journal and the ledger must keep every promise.
 */
import type { Entry } from "../../machines/entry.ts";
import type { PlannedPath } from "../../machines/paths.ts";
import { detailAt, isSamePoint, type Point, showPoint } from "../../machines/paths/point.ts";
import { problemsOf } from "./invariants.ts";
import { muteProblem } from "./mute-record.ts";
import { pathFailure } from "./path-failure.ts";
import { MovePlayer } from "./path-moves.ts";
import { type PathSetting, PathStage } from "./path-stage.ts";

/** Runs the path; answers the job's journal. Rejects with: PathFailure. */
export const runPath = async (
  setting: PathSetting,
  path: PlannedPath,
): Promise<ReadonlyArray<Entry>> => {
  const stage = new PathStage(setting);
  const done: Array<string> = [];
  try {
    await playAll(stage, { setting, path, done });
    await drain(stage);
    check(stage, setting, path);
    return stage.job.entries();
  } catch (cause) {
    const { name, index } = path;
    throw pathFailure({
      name,
      index,
      seed: setting.seed,
      input: setting.input,
      done,
      journal: stage.job.shownJournal(),
      cause,
    });
  } finally {
    stage.letGo();
  }
};

interface Run {
  readonly setting: PathSetting;
  readonly path: PlannedPath;
  /** Grows with each move that went as it must. */
  readonly done: Array<string>;
}

const playAll = async (stage: PathStage, { setting, path, done }: Run): Promise<void> => {
  const { isQueued, moves } = path;
  const player = new MovePlayer(stage, { answers: setting.answers, isQueued });
  await stage.start(isQueued ? 0 : undefined);
  await stage.submit();
  for (const planned of moves) {
    await reach(stage, planned.from);
    await player.play(planned);
    done.push(planned.move.name || "goes on");
  }
  const last = moves.at(-1);
  if (last !== undefined && last.to !== null) await reach(stage, last.to);
};

/** Lets time pass until the job stands there, and its record says so. */
const reach = async ({ job }: PathStage, point: Point): Promise<void> => {
  const isThere = await job.until(() => isSamePoint(job.point(), point));
  if (!isThere)
    throw new Error(`expected ${showPoint(point)}, stands at ${showPoint(job.point())}`);
  const expected = detailAt(point.place);
  const shown = job.record()?.detail;
  if (expected !== undefined && shown !== expected)
    throw new Error(`expected the record to show ${expected} at ${showPoint(point)}, got ${shown}`);
};

/** Whatever is still open is let come to an end. */
const drain = async ({ job, provider, journals, gates, time }: PathStage): Promise<void> => {
  gates.openAll();
  const isOver = await job.until(() => {
    for (const key of provider.sendingKeys()) provider.answer(key, { type: "accepted" });
    const isAtRest = job.isAtRest();
    for (const key of provider.runningKeys())
      if (isAtRest) provider.end(key, { status: "canceled" });
      else provider.whenCancelled(key, { status: "canceled" });
    return isAtRest && journals.openKeys.size === 0;
  });
  await time.idle();
  if (!isOver)
    throw new Error(
      `expected the job at rest and every intent closed, stands at ${showPoint(job.point())} with ${journals.openKeys.size} open`,
    );
};

const check = (
  { job, journals, provider, mute }: PathStage,
  { plan, driver }: PathSetting,
  path: PlannedPath,
): void => {
  const record = job.record();
  if (record === undefined) throw new Error("the job is gone");
  const problems = problemsOf({
    plan,
    driver,
    path,
    entries: job.entries(),
    record,
    rows: [...journals.predictions.values()],
    created: provider.created,
  });
  const all = [...problems, ...mute.map(muteProblem)];
  if (all.length > 0) throw new Error(all.join("\n  "));
};
