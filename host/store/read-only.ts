import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { longPath } from '../common/long-path.ts';

/**
 * Reads the entries of a table from a database that cannot be opened for writing, for example on a read-only or full
 * disk. The database is opened as immutable, because SQLite would otherwise have to create further files. Changes of
 * another host that are still in the write-ahead log are not read.
 */
export function readTable(file: string, table: string): Map<string, unknown> {
  const url = pathToFileURL(longPath(file));
  url.searchParams.set('immutable', '1');
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    const [known] = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").all(table);
    if (known === undefined) return new Map();
    // The name of the table is not external input but one of the host's namespaces.
    const rows = database.prepare(`SELECT key, value FROM "${table}"`).all();
    return new Map(rows.map(({ key, value }) => [String(key), JSON.parse(String(value)).value]));
  } finally {
    database.close();
  }
}
