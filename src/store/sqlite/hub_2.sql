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
