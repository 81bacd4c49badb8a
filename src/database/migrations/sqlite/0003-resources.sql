-- Every resource has idempotency keys and imports of its own; until now there were only books.
CREATE TABLE keys_by_resource (
  resource TEXT NOT NULL,
  key TEXT NOT NULL,
  -- The entry as it was created, as JSON.
  answer TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (resource, key)
) STRICT, WITHOUT ROWID;

INSERT INTO keys_by_resource (resource, key, answer, created_at)
  SELECT 'books', key, answer, created_at FROM idempotency_keys;
DROP TABLE idempotency_keys;
ALTER TABLE keys_by_resource RENAME TO idempotency_keys;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE imports_by_resource (
  resource TEXT NOT NULL,
  -- Of the whole input, in hexadecimal.
  sha256 TEXT NOT NULL,
  -- The number of lines that are in the database.
  lines INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (resource, sha256)
) STRICT, WITHOUT ROWID;

INSERT INTO imports_by_resource (resource, sha256, lines, updated_at)
  SELECT 'books', sha256, lines, updated_at FROM imports;
DROP TABLE imports;
ALTER TABLE imports_by_resource RENAME TO imports;
