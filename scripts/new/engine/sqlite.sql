-- The answers to POST requests with an Idempotency-Key, for a day.
CREATE TABLE idempotency_keys (
  resource TEXT NOT NULL,
  key TEXT NOT NULL,
  -- The entry as it was created, as JSON.
  answer TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (resource, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- How far each unfinished import has got, so that it can go on from there.
CREATE TABLE imports (
  resource TEXT NOT NULL,
  -- Of the whole input, in hexadecimal.
  sha256 TEXT NOT NULL,
  -- The number of lines that are in the database.
  lines INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (resource, sha256)
) STRICT, WITHOUT ROWID;

-- The rules for the words that entries are found by change with releases. This is how far the entries of a
-- resource that were written by earlier rules have been written again.
CREATE TABLE search_words (
  resource TEXT NOT NULL PRIMARY KEY,
  -- The version of the rules.
  version INTEGER NOT NULL,
  -- The id of the last entry that was written again; NULL when all were.
  after_id INTEGER
) STRICT, WITHOUT ROWID;
