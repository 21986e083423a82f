/** What an outbox's database holds. */
import type { Schema } from './database.ts'

const FIRST = `
-- The outbox id that new places get, and the serial of the next message.
CREATE TABLE outbox (id BLOB NOT NULL CHECK (length(id) = 16), serial INTEGER NOT NULL) STRICT;
INSERT INTO outbox VALUES (randomblob(16), 1);

-- A receiver, by the keyId of the oldest key of its chain, and an outbox id. The newest place of a receiver gets what is new.
CREATE TABLE place (
  id INTEGER PRIMARY KEY,
  receiver BLOB NOT NULL,
  outbox BLOB NOT NULL,
  -- The last number given.
  last INTEGER NOT NULL DEFAULT 0,
  -- Why no further number is given here: 'SERVER_REGRESSED', 'OUTBOX_BEHIND' or 'RENEWED'.
  closed TEXT,
  UNIQUE (receiver, outbox)
) STRICT;

CREATE TABLE envelope (
  id INTEGER PRIMARY KEY,
  place INTEGER NOT NULL REFERENCES place,
  first INTEGER NOT NULL,
  count INTEGER NOT NULL,
  -- Counts the messages of the outbox, from 1. A message that is signed anew keeps its own.
  serial INTEGER NOT NULL,
  digest BLOB NOT NULL,
  statement BLOB NOT NULL,
  signature BLOB NOT NULL,
  queued_at INTEGER NOT NULL,
  -- Bytes of all items; of each, as u32, where there are several.
  length INTEGER NOT NULL,
  lengths BLOB,
  -- The items one behind the other, or the name of the file that one is in; neither once they are dropped.
  items BLOB,
  file TEXT UNIQUE,
  withdrawn INTEGER NOT NULL DEFAULT 0,
  -- The outcome of its last receipt; NULL where it is to be sent, 0 where it will not be: its messages are signed anew.
  outcome INTEGER,
  settled_at INTEGER,
  -- Its messages, those dropped apart, wait to be signed anew: 1 in one envelope, 2 each alone.
  again INTEGER NOT NULL DEFAULT 0,
  -- That is done: they stand in other envelopes.
  moved INTEGER NOT NULL DEFAULT 0,
  UNIQUE (place, first)
) STRICT;
CREATE INDEX envelope_serial ON envelope (serial);
CREATE INDEX envelope_pending ON envelope (place, first) WHERE outcome IS NULL;
CREATE INDEX envelope_again ON envelope (id) WHERE again > 0;
CREATE INDEX envelope_held ON envelope (settled_at, length) WHERE outcome IS NOT NULL AND (items IS NOT NULL OR file IS NOT NULL);

-- Messages that an operator has dropped from envelopes of several.
CREATE TABLE dropped (
  envelope INTEGER NOT NULL REFERENCES envelope,
  position INTEGER NOT NULL,
  PRIMARY KEY (envelope, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipt (
  id INTEGER PRIMARY KEY,
  envelope INTEGER NOT NULL REFERENCES envelope,
  place INTEGER NOT NULL REFERENCES place,
  journal BLOB NOT NULL,
  position INTEGER NOT NULL,
  chain BLOB NOT NULL,
  statement BLOB NOT NULL,
  signature BLOB NOT NULL
) STRICT;
CREATE INDEX receipt_chain ON receipt (place, journal, position);
CREATE INDEX receipt_envelope ON receipt (envelope);
`

/** What is long stands apart: to write down what became of an envelope, SQLite writes the whole of its row again. */
const APART = `
CREATE TABLE content (
  envelope INTEGER PRIMARY KEY REFERENCES envelope,
  statement BLOB NOT NULL,
  lengths BLOB,
  items BLOB
) STRICT;
INSERT INTO content SELECT id, statement, lengths, items FROM envelope;

-- Whether its items are held, here or in a file.
ALTER TABLE envelope ADD COLUMN held INTEGER NOT NULL DEFAULT 1;
UPDATE envelope SET held = (items IS NOT NULL OR file IS NOT NULL);
DROP INDEX envelope_held;
CREATE INDEX envelope_held ON envelope (settled_at, length) WHERE outcome IS NOT NULL AND held = 1;
ALTER TABLE envelope DROP COLUMN statement;
ALTER TABLE envelope DROP COLUMN lengths;
ALTER TABLE envelope DROP COLUMN items;
`

export const OUTBOX_SCHEMA: Schema = { name: 'outbox', application: 0x43_53_47_4f, migrations: [FIRST, APART] }
