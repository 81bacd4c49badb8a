-- How far each unfinished import has got, so that it can go on from there.
CREATE TABLE imports (
  -- Of the whole input, in hexadecimal.
  sha256 TEXT PRIMARY KEY,
  -- The number of lines that are in the database.
  lines INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
