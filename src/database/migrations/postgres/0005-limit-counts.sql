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
