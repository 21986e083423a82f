/** What a journal's database holds. */
import type { Schema } from './database.ts'

const FIRST = `
CREATE TABLE journal (id BLOB NOT NULL CHECK (length(id) = 16)) STRICT;
INSERT INTO journal VALUES (randomblob(16));

-- Where each place stands: the last number taken, and the end of the chain of its receipts in this journal.
CREATE TABLE place (
  id INTEGER PRIMARY KEY,
  sender BLOB NOT NULL,
  receiver BLOB NOT NULL,
  outbox BLOB NOT NULL,
  last INTEGER NOT NULL DEFAULT 0,
  receipts INTEGER NOT NULL DEFAULT 0,
  chain BLOB NOT NULL DEFAULT (zeroblob(32)),
  conflicts INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sender, receiver, outbox)
) STRICT;

-- The one long item that a place may be in the middle of.
CREATE TABLE partial (
  place INTEGER PRIMARY KEY REFERENCES place,
  digest BLOB NOT NULL,
  length INTEGER NOT NULL,
  -- The name of its file, never used again.
  file TEXT NOT NULL UNIQUE,
  -- A random number for whoever writes to it: only the newest still may.
  holder INTEGER NOT NULL
) STRICT;

-- One receipt, and what it is for. Nothing of it is ever changed but items and file, which pruning drops.
CREATE TABLE entry (
  id INTEGER PRIMARY KEY,
  place INTEGER NOT NULL REFERENCES place,
  -- Messages of the whole journal before this entry's first, plus one; how many it holds, which is 0 where none was stored.
  serial INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  digest BLOB NOT NULL,
  statement BLOB NOT NULL,
  signature BLOB NOT NULL,
  receipt BLOB NOT NULL,
  receipt_signature BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  -- Bytes of all items; of each, as u32, where there are several.
  length INTEGER NOT NULL,
  lengths BLOB,
  -- The items one behind the other, or the name of the file that one is in; neither where none is held.
  items BLOB,
  file TEXT UNIQUE,
  UNIQUE (place, digest)
) STRICT;
CREATE INDEX entry_serial ON entry (serial) WHERE messages > 0;
CREATE INDEX entry_held ON entry (received_at, length) WHERE items IS NOT NULL OR file IS NOT NULL;
`

const SECOND = `
-- Each time that this journal was made from a backup: when, the journal id until then, and what the backup held.
CREATE TABLE restored (
  at INTEGER NOT NULL,
  former BLOB NOT NULL,
  entries INTEGER NOT NULL,
  messages INTEGER NOT NULL,
  places INTEGER NOT NULL
) STRICT;
`

export const JOURNAL_SCHEMA: Schema = {
  name: 'journal',
  application: 0x43_53_47_4a,
  backup: 0x43_53_47_42,
  migrations: [FIRST, SECOND],
}
