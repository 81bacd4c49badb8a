-- The rules for the words that entries are found by change with releases. This is how far the entries of a
-- resource that were written by earlier rules have been written again.
CREATE TABLE search_words (
  resource TEXT NOT NULL PRIMARY KEY,
  -- The version of the rules.
  version INTEGER NOT NULL,
  -- The id of the last entry that was written again; NULL when all were.
  after_id INTEGER
) STRICT, WITHOUT ROWID;
