import type { DatabaseSync } from 'node:sqlite';

/**
 * The database's history: each step is run once, in order, in a transaction with the number that says it was run
 * (`user_version`). A step that has been released is never changed; what comes later is another step.
 *
 * A deleted row stays as a tombstone without its text, so that the deletion travels to whoever synchronizes later.
 * `change` counts every write of the database: what a client has not seen yet is what has a larger one.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE counter (change INTEGER NOT NULL);
  INSERT INTO counter VALUES (0);

  CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    title TEXT NOT NULL,
    topic TEXT,
    domain TEXT,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    change INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX conversations_by_time ON conversations (deleted, updated_at DESC, id);
  CREATE INDEX conversations_by_change ON conversations (change);

  CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL REFERENCES conversations (id),
    role TEXT NOT NULL,
    content TEXT NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    change INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX messages_in_order ON messages (conversation_id, deleted, created_at, number);
  CREATE INDEX messages_by_change ON messages (change);

  CREATE VIRTUAL TABLE message_words USING fts5(
    content, content = 'messages', content_rowid = 'number', tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
  CREATE TRIGGER message_words_insert AFTER INSERT ON messages BEGIN
    INSERT INTO message_words (rowid, content) VALUES (new.number, new.content);
  END;
  CREATE TRIGGER message_words_delete AFTER DELETE ON messages BEGIN
    INSERT INTO message_words (message_words, rowid, content) VALUES ('delete', old.number, old.content);
  END;
  CREATE TRIGGER message_words_update AFTER UPDATE OF content ON messages BEGIN
    INSERT INTO message_words (message_words, rowid, content) VALUES ('delete', old.number, old.content);
    INSERT INTO message_words (rowid, content) VALUES (new.number, new.content);
  END;

  CREATE VIRTUAL TABLE title_words USING fts5(
    title, topic, content = 'conversations', content_rowid = 'rowid', tokenize = 'unicode61 remove_diacritics 2'
  );
  INSERT INTO title_words (title_words, rank) VALUES ('secure-delete', 1);
  CREATE TRIGGER title_words_insert AFTER INSERT ON conversations BEGIN
    INSERT INTO title_words (rowid, title, topic) VALUES (new.rowid, new.title, new.topic);
  END;
  CREATE TRIGGER title_words_delete AFTER DELETE ON conversations BEGIN
    INSERT INTO title_words (title_words, rowid, title, topic) VALUES ('delete', old.rowid, old.title, old.topic);
  END;
  CREATE TRIGGER title_words_update AFTER UPDATE OF title, topic ON conversations BEGIN
    INSERT INTO title_words (title_words, rowid, title, topic) VALUES ('delete', old.rowid, old.title, old.topic);
    INSERT INTO title_words (rowid, title, topic) VALUES (new.rowid, new.title, new.topic);
  END;
  `,
  // What a search by meaning compares. A vector says much of its text: it goes when the text goes or changes.
  `
  CREATE TABLE vector_models (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL UNIQUE,
    dimensions INTEGER NOT NULL,
    used_at REAL NOT NULL
  ) STRICT;
  CREATE TABLE message_vectors (
    model INTEGER NOT NULL REFERENCES vector_models (number) ON DELETE CASCADE,
    message INTEGER NOT NULL REFERENCES messages (number) ON DELETE CASCADE,
    vector BLOB NOT NULL,
    UNIQUE (model, message)
  ) STRICT;
  CREATE INDEX message_vectors_of_message ON message_vectors (message);
  CREATE TRIGGER message_vectors_update AFTER UPDATE OF content, deleted ON messages
  WHEN new.content <> old.content OR new.deleted <> 0 BEGIN
    DELETE FROM message_vectors WHERE message = new.number;
  END;
  `,
];

/** The version a database has after all steps. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings a database to {@link SCHEMA_VERSION}. Several hosts may start at once: the version is read again inside the
 * transaction that only one of them holds. Answers the version that was found, which may be a later host's.
 */
export function migrate(database: DatabaseSync): number {
  const found = versionOf(database);
  if (found >= SCHEMA_VERSION) return found;
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const step of MIGRATIONS.slice(versionOf(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
  return SCHEMA_VERSION;
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.user_version);
}
