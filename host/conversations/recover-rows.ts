import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { SQLITE, sqliteCode } from '../common/sqlite-code.ts';
import { isDamage } from '../store/damaged-database.ts';

/** What was recovered from a damaged database. */
export interface Recovered {
  readonly conversations: number;
  readonly messages: number;
  /** Whether any part could not be read. False if only an index was damaged, which is rebuilt. */
  readonly isPartial: boolean;
}

/** The tables that are recovered; the others are rebuilt from them. A message needs its conversation first. */
const TABLES = ['conversations', 'messages'] as const;

/** Number of consecutive unreadable rows after which the rest of a table is skipped: a damaged page holds far fewer. */
const MAX_GAP = 100_000;

type Row = Record<string, SQLOutputValue>;

/**
 * Copies the readable rows of a damaged database into a new one; the rows on damaged pages are lost. A message whose
 * conversation is lost is put in an untitled one.
 */
export function recoverRows(damaged: DatabaseSync, into: DatabaseSync): Recovered {
  const counts = { conversations: 0, messages: 0 };
  let isPartial = false;
  into.exec('BEGIN IMMEDIATE');
  for (const table of TABLES) {
    const columns = columnsOf(into, table).filter((name) => columnsOf(damaged, table).includes(name));
    if (columns.length === 0) {
      isPartial = true;
      continue;
    }
    const insert = into.prepare(
      `INSERT OR IGNORE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    const conversation = into.prepare(
      `INSERT OR IGNORE INTO conversations (id, user_id, title, created_at, updated_at, change)
        VALUES (?, 'default', '', ?, ?, ?)`,
    );
    for (const row of readableRows(damaged, table, columns)) {
      if (row === undefined) {
        isPartial = true;
        continue;
      }
      try {
        if (table === 'messages') {
          const { conversation_id = null, created_at = null, updated_at = null, change = null } = row;
          conversation.run(conversation_id, created_at, updated_at, change);
        }
        counts[table] += Number(insert.run(...columns.map((name) => row[name] ?? null)).changes);
      } catch (error) {
        // A corrupt row that violates a constraint of the new database. Any other error, such as a full disk, ends the recovery.
        if (!isConstraint(error)) throw error;
        isPartial = true;
      }
    }
  }
  // The cursors of clients are numbers of changes, so the counter must not decrease.
  into.exec(`UPDATE counter SET change = max(change,
    (SELECT coalesce(max(change), 0) FROM conversations), (SELECT coalesce(max(change), 0) FROM messages)) + 1`);
  // Absent in earlier schemas, where it was the time of the last change.
  into.exec("UPDATE conversations SET title_updated_at = updated_at WHERE title_updated_at = 0 AND title <> ''");
  into.exec('COMMIT');
  return { ...counts, isPartial };
}

/** Yields every readable row in order, and undefined for each range of rows that cannot be read. */
function* readableRows(database: DatabaseSync, table: string, columns: readonly string[]): Generator<Row | undefined> {
  const list = columns.join(', ');
  const next = database.prepare(`SELECT rowid AS at, ${list} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 1`);
  const one = database.prepare(`SELECT rowid AS at, ${list} FROM ${table} WHERE rowid = ?`);
  const read = (statement: typeof next, rowid: number): Row | undefined | 'damaged' => {
    try {
      return statement.get(rowid);
    } catch (error) {
      if (isDamage(error)) return 'damaged';
      throw error;
    }
  };
  let at = 0;
  for (;;) {
    let row = read(next, at);
    if (row === 'damaged') {
      yield undefined;
      // After damage, tries row by row until one can be read again.
      for (let gap = 1; gap <= MAX_GAP && (row === 'damaged' || row === undefined); gap += 1) row = read(one, at + gap);
    }
    if (row === undefined || row === 'damaged') return;
    at = Number(row.at);
    yield row;
  }
}

function columnsOf(database: DatabaseSync, table: string): string[] {
  try {
    return database
      .prepare(`PRAGMA table_info(${table})`)
      .all()
      .map(({ name }) => String(name));
  } catch (error) {
    if (isDamage(error)) return [];
    throw error;
  }
}

function isConstraint(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.CONSTRAINT || code === SQLITE.MISMATCH;
}
