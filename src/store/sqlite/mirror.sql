-- A console's mirror of one hub, schema 1. What the hub confirmed can be fetched again; the table `op` cannot.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    number      INTEGER NOT NULL,
    resolved_at INTEGER,
    generation  INTEGER NOT NULL,
    body        TEXT NOT NULL
) STRICT;
CREATE INDEX incident_number ON incident (number);
CREATE INDEX incident_resolved ON incident (resolved_at);

CREATE TABLE series (
    source      TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    incident    BLOB,
    over_since  INTEGER,
    generation  INTEGER NOT NULL,
    body        TEXT NOT NULL,
    -- Not WITHOUT ROWID: in the order of random keys, each body would be written into another page of the file.
    PRIMARY KEY (source, fingerprint)
) STRICT;
CREATE INDEX series_incident ON series (incident);

CREATE TABLE line (
    seq        INTEGER PRIMARY KEY,
    incident   BLOB NOT NULL,
    generation INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX line_incident ON line (incident, seq);

-- Pages of everybody: whom the hub calls, by what, and how far that has come.
CREATE TABLE page (
    id         TEXT PRIMARY KEY CHECK (length(id) = 32),
    incident   BLOB NOT NULL,
    person     TEXT NOT NULL,
    channel    TEXT NOT NULL,
    -- Still to be answered by its person's console.
    open       INTEGER NOT NULL CHECK (open IN (0, 1)),
    generation INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX page_incident ON page (incident);
CREATE INDEX page_open ON page (person) WHERE open = 1;

-- Own operations, in the order of their chain.
CREATE TABLE op (
    nseq     INTEGER PRIMARY KEY,
    op_id    BLOB NOT NULL UNIQUE CHECK (length(op_id) = 16),
    incident BLOB NOT NULL,
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    bytes    BLOB NOT NULL,
    -- The hub's answer; NULL while it waits.
    verdict  TEXT,
    -- The place in the feed from which on the mirror shows what the verdict did.
    seq      INTEGER,
    -- Whether the person was told of the answer, by whichever process of theirs.
    told     INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1)),
    -- 0 while an answer that must stay before the person was not dismissed by them; 1 from the start for an answer that need not stay.
    dismissed INTEGER NOT NULL DEFAULT 0 CHECK (dismissed IN (0, 1)),
    CHECK ((verdict IS NULL) = (seq IS NULL))
) STRICT;
CREATE INDEX op_waiting ON op (nseq) WHERE verdict IS NULL;
CREATE INDEX op_untold ON op (nseq) WHERE verdict IS NOT NULL AND told = 0;
CREATE INDEX op_inbox ON op (nseq) WHERE verdict IS NOT NULL AND dismissed = 0;

-- Incidents that were this user's by what the hub confirmed, and are no longer, though this user did not give them back.
CREATE TABLE loss (
    no        INTEGER PRIMARY KEY,
    incident  BLOB NOT NULL CHECK (length(incident) = 16),
    claim_no  INTEGER NOT NULL,
    learned_at INTEGER NOT NULL,
    -- Who has it now; NULL is nobody.
    owner     TEXT,
    -- The hub's or the other person's words, where the timeline has them.
    why       TEXT NOT NULL,
    dismissed INTEGER NOT NULL DEFAULT 0 CHECK (dismissed IN (0, 1)),
    UNIQUE (incident, claim_no)
) STRICT;
CREATE INDEX loss_inbox ON loss (no) WHERE dismissed = 0;
