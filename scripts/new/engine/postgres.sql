-- The answers to POST requests with an Idempotency-Key, for a day.
CREATE TABLE idempotency_keys (
  resource text NOT NULL,
  key text NOT NULL,
  -- The entry as it was created; null only inside the transaction that creates it.
  answer jsonb,
  created_at timestamptz(3) NOT NULL,
  PRIMARY KEY (resource, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- How far each unfinished import has got, so that it can go on from there.
CREATE TABLE imports (
  resource text NOT NULL,
  -- Of the whole input, in hexadecimal.
  sha256 text NOT NULL,
  -- The number of lines that are in the database.
  lines bigint NOT NULL,
  updated_at timestamptz(3) NOT NULL,
  PRIMARY KEY (resource, sha256)
);

-- The rules for the words that entries are found by change with releases. This is how far the entries of a
-- resource that were written by earlier rules have been written again.
CREATE TABLE search_words (
  resource text NOT NULL PRIMARY KEY,
  -- The version of the rules.
  version integer NOT NULL,
  -- The id of the last entry that was written again; NULL when all were.
  after_id bigint
);

-- What instances that count limits together (RATE_LIMIT_STORE=database) have counted: each row is the window of
-- a client. Unlogged, as nothing is lost with what a crash empties. Pages have room for changed rows, so that
-- an update need not change the index.
CREATE UNLOGGED TABLE limit_counts (
  limit_name text COLLATE "C" NOT NULL,
  client text COLLATE "C" NOT NULL,
  hits bigint NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (limit_name, client)
) WITH (fillfactor = 50);
