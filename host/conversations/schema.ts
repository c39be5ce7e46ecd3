import type { DatabaseSync } from 'node:sqlite';

/**
 * The migrations of the database. Each runs once, in order; `user_version` is the number of those that have run. A
 * released migration is never changed: later changes are further migrations.
 *
 * A deleted row remains as a tombstone without its text, so that clients that synchronize later learn of the deletion.
 * `change` numbers every write to the database: rows with a larger number than a client's cursor are new to it.
 */
export const MIGRATIONS: readonly string[] = [
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
  // Embeddings for search by meaning. A vector reveals much of its text, so it is deleted when the text is deleted or changed.
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
  // What merging needs; see merge.ts. Earlier versions could keep messages of deleted conversations.
  `
  ALTER TABLE conversations ADD COLUMN title_updated_at REAL NOT NULL DEFAULT 0;
  ALTER TABLE conversations ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE conversations ADD COLUMN deleted_at REAL NOT NULL DEFAULT 0;
  UPDATE conversations SET title_updated_at = updated_at, deleted_at = iif(deleted, updated_at, 0);
  ALTER TABLE messages ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE messages ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
  UPDATE messages SET position = number;
  UPDATE messages SET content = '', deleted = 1
    WHERE deleted = 0 AND conversation_id IN (SELECT id FROM conversations WHERE deleted = 1);
  DROP INDEX messages_in_order;
  CREATE INDEX messages_in_order ON messages (conversation_id, deleted, created_at, position, id);
  `,
  // Indexes of prefixes, so that a search for the first letters of common words does not merge thousands of words. The
  // positions of words are not used, and without them the index is no larger than before.
  `
  DROP TABLE message_words;
  CREATE VIRTUAL TABLE message_words USING fts5(
    content, content = 'messages', content_rowid = 'number', tokenize = 'unicode61 remove_diacritics 2',
    prefix = '1 2 3 4', detail = none
  );
  INSERT INTO message_words (message_words, rank) VALUES ('secure-delete', 1);
  INSERT INTO message_words (message_words) VALUES ('rebuild');
  DROP TABLE title_words;
  CREATE VIRTUAL TABLE title_words USING fts5(
    title, topic, content = 'conversations', content_rowid = 'rowid', tokenize = 'unicode61 remove_diacritics 2',
    prefix = '1 2 3 4', detail = none
  );
  INSERT INTO title_words (title_words, rank) VALUES ('secure-delete', 1);
  INSERT INTO title_words (title_words) VALUES ('rebuild');
  `,
  // Erasing the words of a message from the index takes milliseconds, so `eraser.ts` erases those of deleted messages
  // later. Every message has a row in the index; that of a deleted one is empty.
  `
  CREATE TABLE erasures (number INTEGER PRIMARY KEY, content TEXT NOT NULL) STRICT;
  DROP TRIGGER message_words_update;
  CREATE TRIGGER message_words_delete_later AFTER UPDATE OF content ON messages
  WHEN new.deleted <> 0 AND old.content <> '' BEGIN
    INSERT INTO erasures VALUES (old.number, old.content);
  END;
  CREATE TRIGGER message_words_update AFTER UPDATE OF content ON messages WHEN new.deleted = 0 BEGIN
    INSERT INTO message_words (message_words, rowid, content) VALUES
      ('delete', old.number, coalesce((SELECT content FROM erasures WHERE number = old.number), old.content));
    DELETE FROM erasures WHERE number = old.number;
    INSERT INTO message_words (rowid, content) VALUES (new.number, new.content);
  END;
  `,
  // Branches, the status of answers, and settings of conversations. A message without a parent follows the previous one
  // in time, as all messages of earlier versions do; one with the parent '' is a first message. The words of an answer
  // that is being generated are not in the index, since it changes every second.
  `
  ALTER TABLE conversations ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE conversations ADD COLUMN system_prompt TEXT;
  ALTER TABLE conversations ADD COLUMN model TEXT;
  ALTER TABLE conversations ADD COLUMN settings TEXT;
  ALTER TABLE conversations ADD COLUMN selected_id TEXT;
  ALTER TABLE conversations ADD COLUMN selected_at REAL NOT NULL DEFAULT 0;
  DROP INDEX conversations_by_time;
  CREATE INDEX conversations_by_time ON conversations (deleted, pinned DESC, updated_at DESC, id);
  ALTER TABLE messages ADD COLUMN parent_id TEXT;
  ALTER TABLE messages ADD COLUMN status TEXT NOT NULL DEFAULT 'done';
  ALTER TABLE messages ADD COLUMN model TEXT;
  ALTER TABLE messages ADD COLUMN details TEXT;
  ALTER TABLE messages ADD COLUMN writer TEXT;
  CREATE INDEX messages_being_written ON messages (writer) WHERE writer IS NOT NULL;
  DROP INDEX messages_in_order;
  CREATE INDEX messages_in_order
    ON messages (conversation_id, created_at, position, id, deleted, parent_id, role, status);
  DROP TRIGGER message_words_insert;
  CREATE TRIGGER message_words_insert AFTER INSERT ON messages BEGIN
    INSERT INTO message_words (rowid, content) VALUES (new.number, iif(new.writer IS NULL, new.content, ''));
  END;
  DROP TRIGGER message_words_delete;
  CREATE TRIGGER message_words_delete AFTER DELETE ON messages BEGIN
    INSERT INTO message_words (message_words, rowid, content)
      VALUES ('delete', old.number, iif(old.writer IS NULL, old.content, ''));
  END;
  DROP TRIGGER message_words_delete_later;
  CREATE TRIGGER message_words_delete_later AFTER UPDATE OF content ON messages
  WHEN new.deleted <> 0 AND old.content <> '' AND old.writer IS NULL BEGIN
    INSERT INTO erasures VALUES (old.number, old.content);
  END;
  DROP TRIGGER message_words_update;
  CREATE TRIGGER message_words_update AFTER UPDATE OF content, writer ON messages
  WHEN new.deleted = 0 AND (old.writer IS NULL OR new.writer IS NULL) BEGIN
    INSERT INTO message_words (message_words, rowid, content) VALUES ('delete', old.number, coalesce(
      (SELECT content FROM erasures WHERE number = old.number), iif(old.writer IS NULL, old.content, '')));
    DELETE FROM erasures WHERE number = old.number;
    INSERT INTO message_words (rowid, content) VALUES (new.number, iif(new.writer IS NULL, new.content, ''));
  END;
  `,
];

/** The version of a database after all migrations. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Migrates a database to {@link SCHEMA_VERSION}. Several hosts may start at the same time, so the version is read again
 * inside the transaction. Returns the version of the database, which a newer host may have created.
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
