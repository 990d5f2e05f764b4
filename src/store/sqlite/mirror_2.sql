-- From layout 1 to 2 of a mirror. mirror.sql is what comes of it.

CREATE TABLE item (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    ends_at    INTEGER,
    generation INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

CREATE INDEX incident_group ON incident (json_extract(body, '$.group_key'), number);
CREATE INDEX incident_service ON incident (json_extract(body, '$.service'), number);

ALTER TABLE series ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
CREATE INDEX series_seq ON series (seq);

-- What is over, as narrow rows for searches: what a query asks of it stands here, and not in its body. `words` is lower case.
CREATE TABLE past (
    number    INTEGER PRIMARY KEY,
    id        BLOB NOT NULL CHECK (length(id) = 16),
    opened_at INTEGER NOT NULL,
    severity  INTEGER,
    series    INTEGER NOT NULL,
    flaps     INTEGER NOT NULL,
    source    TEXT NOT NULL,
    service   TEXT NOT NULL,
    summary   TEXT NOT NULL,
    owner     TEXT,
    team      TEXT NOT NULL,
    policy    TEXT NOT NULL,
    words     TEXT NOT NULL,
    sets      TEXT NOT NULL
) STRICT;

ALTER TABLE page ADD COLUMN missed INTEGER NOT NULL DEFAULT 0 CHECK (missed IN (0, 1));
CREATE INDEX page_missed ON page (incident, person) WHERE missed = 1;
