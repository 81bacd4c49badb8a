CREATE TABLE books (
  -- AUTOINCREMENT: the id of a deleted book is never given out again.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  title TEXT NOT NULL,
  author TEXT NOT NULL,
  year INTEGER NOT NULL,
  -- Milliseconds since the Unix epoch.
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- Each sort, and the author and year filters; each ends in the row id, which is the id.
CREATE INDEX books_by_title ON books (title);
CREATE INDEX books_by_author ON books (author);
CREATE INDEX books_by_year ON books (year);

-- The words that the application folds from title and author, separated by spaces. The ascii
-- tokenizer takes every character beyond ASCII as part of a word, so it changes nothing of them.
CREATE VIRTUAL TABLE book_words USING fts5 (
  words,
  content = '',
  contentless_delete = 1,
  tokenize = 'ascii',
  detail = none,
  prefix = '1 2 3'
);

CREATE TABLE idempotency_keys (
  key TEXT PRIMARY KEY,
  -- The book as it was created, as JSON.
  answer TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
