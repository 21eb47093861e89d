/**
 * One write transaction, from BEGIN to a certain answer. An error from COMMIT itself is judged by looking
 * whether a witness arrived: something this transaction wrote and nobody else can have written.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { JobOrdinals } from "./job-ordinals.ts";

/** Statements are prepared once; a connection asks a small closed set of them. */
export type Prepare = (sql: string) => StatementSync;

const cachedPrepare = (db: DatabaseSync): Prepare => {
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
  readonly ordinals: JobOrdinals;
  /** Names the connection's row in `connections`. */
  readonly id: string;
}

export const connectionOver = (db: DatabaseSync, id: string): Connection => {
  const prepare = cachedPrepare(db);
  return { db, prepare, ordinals: new JobOrdinals(prepare), id };
};

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

const rollBack = ({ db, ordinals }: Connection): void => {
  ordinals.forgetAll();
  // SQLITE_FULL and some I/O errors roll back by themselves; ROLLBACK would then be an error of its own.
  if (db.isTransaction) db.exec("ROLLBACK");
};

/** Whether what a transaction wrote is there. */
export type Witness = () => boolean;

/** Counts up the connection's own row: a witness for a transaction that has no better one. */
export const countCommit = (connection: Connection): Witness => {
  const { prepare, id } = connection;
  const count = prepare(
    "UPDATE connections SET commits = commits + 1 WHERE id = ? RETURNING commits",
  );
  let counted = count.get(id);
  if (counted === undefined) {
    // So many were opened since that they drove it out: without its row, nothing would look like everything.
    introduce(connection);
    counted = count.get(id);
  }
  const commits = counted?.["commits"];
  const read = prepare("SELECT commits FROM connections WHERE id = ?");
  return () => commits !== undefined && read.get(id)?.["commits"] === commits;
};

export interface Written<A> {
  readonly result: A;
  readonly witness: Witness;
}

/** Runs the body in one transaction; when it returns all is committed, when it throws nothing is. */
export const inTransaction = <A>(connection: Connection, body: () => Written<A>): A => {
  const { db } = connection;
  db.exec("BEGIN IMMEDIATE");
  let written: Written<A>;
  try {
    written = body();
  } catch (cause) {
    rollBack(connection);
    throw cause;
  }
  try {
    db.exec("COMMIT");
  } catch (cause) {
    rollBack(connection);
    if (!written.witness()) throw cause;
  }
  return written.result;
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
