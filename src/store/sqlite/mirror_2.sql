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
