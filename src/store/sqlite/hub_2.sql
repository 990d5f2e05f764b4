-- From layout 1 to 2 of the hub's database. hub.sql is what comes of it.

CREATE TABLE item (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    ends_at INTEGER,
    gone    INTEGER NOT NULL CHECK (gone IN (0, 1)),
    seq     INTEGER NOT NULL UNIQUE,
    body    TEXT NOT NULL CHECK (length(body) <= 2097152),
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX item_over ON item (kind, ends_at) WHERE ends_at IS NOT NULL;

-- A series may be pending.
CREATE TABLE series_2 (
    id          INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    state       TEXT NOT NULL CHECK (state IN ('firing', 'resolved', 'expired', 'unknown', 'pending')),
    ends_at     INTEGER,
    promise_ms  INTEGER,
    incident    BLOB REFERENCES incident (id),
    seq         INTEGER NOT NULL UNIQUE,
    body        TEXT NOT NULL,
    -- When it is real; NULL unless it is pending.
    pending_until INTEGER,
    UNIQUE (source, fingerprint),
    -- What is pending has an end.
    CHECK ((state = 'pending') = (pending_until IS NOT NULL))
) STRICT;
INSERT INTO series_2 (id, source, fingerprint, state, ends_at, promise_ms, incident, seq, body)
    SELECT id, source, fingerprint, state, ends_at, promise_ms, incident, seq, body FROM series;
DROP TABLE series;
ALTER TABLE series_2 RENAME TO series;
CREATE INDEX series_incident ON series (incident);
CREATE INDEX series_runs_out ON series (ends_at) WHERE ends_at IS NOT NULL AND state IN ('firing', 'unknown', 'pending');
CREATE INDEX series_real_at ON series (pending_until) WHERE pending_until IS NOT NULL;

-- What ties open incidents to each other: equal keys, one side holds the calls of the other.
CREATE TABLE tie (
    key      TEXT NOT NULL,
    bears    INTEGER NOT NULL CHECK (bears IN (0, 1)),
    incident BLOB NOT NULL REFERENCES incident (id),
    PRIMARY KEY (key, bears, incident)
) STRICT, WITHOUT ROWID;
CREATE INDEX tie_incident ON tie (incident);
ALTER TABLE source ADD COLUMN trusted_from INTEGER NOT NULL DEFAULT 0;
ALTER TABLE source ADD COLUMN body TEXT;

CREATE TABLE day (
    day       INTEGER NOT NULL,
    source    TEXT NOT NULL,
    events    INTEGER NOT NULL,
    series    INTEGER NOT NULL,
    real      INTEGER NOT NULL,
    incidents INTEGER NOT NULL,
    pages     INTEGER NOT NULL,
    untold    INTEGER NOT NULL,
    PRIMARY KEY (day, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE change (
    id   TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX change_at ON change (at);

-- Texts of runbooks: what stands in the directory, what stood there, and what somebody has read.
CREATE TABLE runbook_text (
    runbook  TEXT NOT NULL,
    revision BLOB NOT NULL CHECK (length(revision) = 16),
    text     TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) <= 262144),
    PRIMARY KEY (runbook, revision)
) STRICT;
