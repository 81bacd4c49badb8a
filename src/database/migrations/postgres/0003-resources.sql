-- Every resource has idempotency keys and imports of its own; until now there were only books.
ALTER TABLE idempotency_keys ADD COLUMN resource text NOT NULL DEFAULT 'books';
ALTER TABLE idempotency_keys ALTER COLUMN resource DROP DEFAULT;
ALTER TABLE idempotency_keys DROP CONSTRAINT idempotency_keys_pkey, ADD PRIMARY KEY (resource, key);

ALTER TABLE imports ADD COLUMN resource text NOT NULL DEFAULT 'books';
ALTER TABLE imports ALTER COLUMN resource DROP DEFAULT;
ALTER TABLE imports DROP CONSTRAINT imports_pkey, ADD PRIMARY KEY (resource, sha256);
