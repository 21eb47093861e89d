/**
 * One write transaction, from BEGIN to a certain answer. Each commit counts up the connection's own row,
 * so that an error from COMMIT itself can be judged by looking whether the count arrived.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** Statements are prepared once; a connection asks a small closed set of them. */
export type Prepare = (sql: string) => StatementSync;

export const cachedPrepare = (db: DatabaseSync): Prepare => {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = db.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
};

export interface Connection {
  readonly db: DatabaseSync;
  readonly prepare: Prepare;
  /** Names the connection's row in `connections`. */
  readonly id: string;
}

/** Rows of connections that died are kept for this many younger ones: far more than live at once. */
const keptConnections = 1000;

/** Adds the connection's row; inside a transaction. */
export const introduce = ({ prepare, id }: Connection): void => {
  const { lastInsertRowid } = prepare("INSERT INTO connections (id, commits) VALUES (?, 0)").run(
    id,
  );
  prepare("DELETE FROM connections WHERE ordinal <= ?").run(
    Number(lastInsertRowid) - keptConnections,
  );
};

/** True where the statement changed a row. */
export const changes = (statement: StatementSync, values: ReadonlyArray<SQLInputValue>): boolean =>
  Number(statement.run(...values).changes) > 0;

const rollBack = (db: DatabaseSync): void => {
  // SQLITE_FULL and some I/O errors roll back by themselves; ROLLBACK would then be an error of its own.
  if (db.isTransaction) db.exec("ROLLBACK");
};

const commitsOf = ({ prepare, id }: Connection): number =>
  Number(prepare("SELECT commits FROM connections WHERE id = ?").get(id)?.["commits"]);

/** Runs the body in one transaction; when it returns all is committed, when it throws nothing is. */
export const inTransaction = <A>(connection: Connection, body: () => A): A => {
  const { db, prepare, id } = connection;
  db.exec("BEGIN IMMEDIATE");
  let result: A;
  let commits: number;
  try {
    result = body();
    const counted = prepare(
      "UPDATE connections SET commits = commits + 1 WHERE id = ? RETURNING commits",
    ).get(id);
    commits = Number(counted?.["commits"]);
  } catch (cause) {
    rollBack(db);
    throw cause;
  }
  try {
    db.exec("COMMIT");
  } catch (cause) {
    rollBack(db);
    if (commitsOf(connection) !== commits) throw cause;
  }
  return result;
};

/** Undoes what the body did where its answer says so; only for writes that may conflict half way. */
export const inSavepoint = <A>(
  { prepare }: Connection,
  isKept: (result: A) => boolean,
  body: () => A,
): A => {
  prepare("SAVEPOINT write").run();
  const result = body();
  if (!isKept(result)) prepare("ROLLBACK TO write").run();
  prepare("RELEASE write").run();
  return result;
};
