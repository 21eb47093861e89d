/** How letters open and close in the tables. Runs inside a transaction. */
import type { DiscardLetter } from "../../journal-dead-letters.ts";
import type { ChangeNotification } from "../../journal-outbox.ts";
import type { AppendEntries, WriteResult } from "../../journal-store.ts";
import { diedAgain, letterMoveOf, letterOfNotification, type NewLetter } from "../letter-rules.ts";
import { committed, letterConflict } from "../write-rules.ts";
import { numberIn, textIn, textOrNullIn } from "./columns.ts";
import { changes } from "./transaction.ts";
import type { Connection } from "./transaction.ts";

const insertLetter = `INSERT OR REPLACE INTO dead_letters
  (id, source, job_id, tenant, pipeline, step, kind, cause, message, reason, deaths, first_at, died_at, open)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`;

/** Opens the letter, or opens it again, as the newest. */
const openLetter = ({ prepare }: Connection, opened: NewLetter): void => {
  const row = prepare("SELECT deaths, cause, first_at FROM dead_letters WHERE id = ?").get(
    opened.id,
  );
  const before =
    row === undefined
      ? undefined
      : {
          deaths: numberIn(row, "deaths"),
          cause: textIn(row, "cause"),
          firstAt: numberIn(row, "first_at"),
        };
  const letter = diedAgain(opened, before);
  prepare(insertLetter).run(
    letter.id,
    letter.source,
    letter.jobId,
    letter.tenant,
    letter.pipeline,
    letter.step,
    letter.kind,
    letter.cause,
    letter.message,
    letter.reason,
    letter.deaths,
    letter.firstAt,
    letter.diedAt,
  );
};

/** True where the letter was open. */
export const closeLetter = ({ prepare }: Connection, id: string): boolean =>
  changes(prepare("UPDATE dead_letters SET open = 0 WHERE id = ? AND open = 1"), [id]);

export const moveLetter = (connection: Connection, write: AppendEntries): void => {
  const move = letterMoveOf(write);
  if (move === null) return;
  if (move.type === "close") {
    closeLetter(connection, write.jobId);
    return;
  }
  const job = connection.prepare("SELECT tenant FROM jobs WHERE job_id = ?").get(write.jobId);
  const tenant = job === undefined ? null : textOrNullIn(job, "tenant");
  openLetter(connection, { ...move.letter, tenant });
};

const givenUp = `SELECT subscription, type, outbox.job_id, tenant, pipeline
  FROM outbox LEFT JOIN jobs ON jobs.job_id = outbox.job_id WHERE id = ?`;

/** After the notification was changed. */
export const moveNotificationLetter = (
  connection: Connection,
  change: ChangeNotification,
): void => {
  const { id, from, to } = change;
  if (to.state !== "undeliverable") {
    if (from.state === "undeliverable") closeLetter(connection, id);
    return;
  }
  const row = connection.prepare(givenUp).get(id);
  if (row === undefined) return;
  const letter = letterOfNotification(change, {
    subscription: textIn(row, "subscription"),
    type: textIn(row, "type"),
    jobId: textOrNullIn(row, "job_id"),
    tenant: textOrNullIn(row, "tenant"),
    pipeline: textOrNullIn(row, "pipeline"),
  });
  openLetter(connection, letter);
};

export const discardLetter = (connection: Connection, { id }: DiscardLetter): WriteResult =>
  closeLetter(connection, id) ? committed : letterConflict;
