-- How far each import under way has got, for one that was cut short to go on from there.
CREATE TABLE imports (
  -- Of the whole input, in hexadecimal.
  sha256 TEXT PRIMARY KEY,
  -- As many lines are in the database.
  lines INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
