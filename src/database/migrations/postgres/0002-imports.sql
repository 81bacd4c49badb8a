-- How far each unfinished import has got, so that it can go on from there.
CREATE TABLE imports (
  -- Of the whole input, in hexadecimal.
  sha256 text PRIMARY KEY,
  -- The number of lines that are in the database.
  lines bigint NOT NULL,
  updated_at timestamptz(3) NOT NULL
);
