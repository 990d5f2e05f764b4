-- From layout 1 to 2 of the hub's database. hub.sql is what comes of it.

CREATE TABLE item (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    ends_at INTEGER,
    gone    INTEGER NOT NULL CHECK (gone IN (0, 1)),
    seq     INTEGER NOT NULL UNIQUE,
    body    TEXT NOT NULL CHECK (length(body) <= 16384),
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX item_over ON item (kind, ends_at) WHERE ends_at IS NOT NULL;

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
