-- The hub's database, schema 2. Bodies are JSON of the domain's types; what a rule or a query relies on stands in a column beside it.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest change of the feed; one row.
CREATE TABLE feed_head (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL CHECK (seq >= 0)
) STRICT;
INSERT INTO feed_head VALUES (1, 0);

-- The next incident's number; one row.
CREATE TABLE counter (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL CHECK (number >= 0)
) STRICT;
INSERT INTO counter VALUES (1, 0);

CREATE TABLE source (
    name     TEXT PRIMARY KEY,
    spoke_at INTEGER NOT NULL,
    -- From when on what it leaves unsaid counts as over, once a promise has passed since; beyond every clock while it is silent.
    trusted_from INTEGER NOT NULL DEFAULT 0,
    -- How it is; NULL before anything was heard or expected of it.
    body     TEXT
) STRICT, WITHOUT ROWID;

-- The funnel of each UTC day and source.
CREATE TABLE day (
    day       INTEGER NOT NULL,
    source    TEXT NOT NULL,
    events    INTEGER NOT NULL,
    series    INTEGER NOT NULL,
    real      INTEGER NOT NULL,
    incidents INTEGER NOT NULL,
    pages     INTEGER NOT NULL,
    -- 0: consoles know it; 1: messages came since; 2: more than that.
    untold    INTEGER NOT NULL,
    PRIMARY KEY (day, source)
) STRICT, WITHOUT ROWID;

-- Deploys, flags, drills.
CREATE TABLE change (
    id   TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX change_at ON change (at);

CREATE TABLE incident (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    number      INTEGER NOT NULL UNIQUE,
    open_key    TEXT UNIQUE,
    life        TEXT NOT NULL CHECK (life IN ('triggered', 'acked', 'resolved')),
    owner       TEXT,
    next_due_at INTEGER,
    seq         INTEGER NOT NULL UNIQUE,
    body        TEXT NOT NULL,
    -- Silence without a timer cannot be stored.
    CHECK (life = 'resolved' OR next_due_at IS NOT NULL),
    CHECK ((life = 'resolved') = (open_key IS NULL)),
    CHECK (life <> 'acked' OR owner IS NOT NULL)
) STRICT;
CREATE INDEX incident_due ON incident (next_due_at) WHERE next_due_at IS NOT NULL;

CREATE TABLE series (
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

CREATE TABLE line (
    seq      INTEGER PRIMARY KEY,
    incident BLOB NOT NULL REFERENCES incident (id),
    body     TEXT NOT NULL
) STRICT;

-- Groups whose incident was merged into another, which goes on for them while it is open.
CREATE TABLE alias (
    key      TEXT PRIMARY KEY,
    incident BLOB NOT NULL REFERENCES incident (id)
) STRICT, WITHOUT ROWID;

-- Demands for one person's attention by one channel. The id is a hash of the decision, so that it is made once.
CREATE TABLE page (
    id       BLOB PRIMARY KEY CHECK (length(id) = 16),
    incident BLOB NOT NULL REFERENCES incident (id),
    person   TEXT NOT NULL,
    channel  TEXT NOT NULL,
    -- When it is tried, or tried again; NULL once it is sent, failed or skipped.
    due_at   INTEGER,
    -- Until when the present attempt may take.
    leased   INTEGER,
    -- It asks for an answer.
    open     INTEGER NOT NULL CHECK (open IN (0, 1)),
    seq      INTEGER NOT NULL UNIQUE,
    body     TEXT NOT NULL
) STRICT;
CREATE INDEX page_due ON page (person, channel, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX page_incident ON page (incident, open);

-- When a person was last reached by a channel: what comes soon after is bundled.
CREATE TABLE reached (
    person  TEXT NOT NULL,
    channel TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (person, channel)
) STRICT, WITHOUT ROWID;

-- What is shared and is no incident, by kind: silences, claims, changes, ... One that was taken away stays as `gone`, so that mirrors hear of it.
CREATE TABLE item (
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    -- When it is over, or when it was taken away; it is forgotten some time later.
    ends_at INTEGER,
    gone    INTEGER NOT NULL CHECK (gone IN (0, 1)),
    seq     INTEGER NOT NULL UNIQUE,
    body    TEXT NOT NULL CHECK (length(body) <= 2097152),
    PRIMARY KEY (kind, id)
) STRICT;
CREATE INDEX item_over ON item (kind, ends_at) WHERE ends_at IS NOT NULL;

-- Devices whose operations are taken.
CREATE TABLE device (
    node       BLOB PRIMARY KEY CHECK (length(node) = 16),
    user       TEXT NOT NULL,
    public_key BLOB NOT NULL CHECK (length(public_key) = 32),
    -- The end of the node's chain.
    nseq       INTEGER NOT NULL,
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    -- The newest change when its key was revoked: nothing that comes later is taken, whatever time it claims.
    revoked_at_seq INTEGER,
    revoked_at     INTEGER,
    CHECK ((revoked_at_seq IS NULL) = (revoked_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX device_key ON device (public_key);

-- What consoles and viewers are let in by; their text is known to its owner alone. A viewer is no device.
CREATE TABLE token (
    id           TEXT PRIMARY KEY CHECK (length(id) = 8),
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    scope        TEXT NOT NULL CHECK (scope IN ('console', 'viewer')),
    user         TEXT NOT NULL,
    node         BLOB NOT NULL CHECK (length(node) = 16),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT;
CREATE INDEX token_node ON token (node);

-- Codes that let one device in; a used one is deleted.
CREATE TABLE enrolment (
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    user       TEXT NOT NULL,
    scope      TEXT NOT NULL CHECK (scope IN ('console', 'viewer')),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE op (
    seq      INTEGER PRIMARY KEY,
    op_id    BLOB NOT NULL UNIQUE CHECK (length(op_id) = 16),
    node     BLOB NOT NULL REFERENCES device (node),
    nseq     INTEGER NOT NULL,
    hash     BLOB NOT NULL CHECK (length(hash) = 32),
    bytes    BLOB NOT NULL,
    incident BLOB NOT NULL,
    judged_at INTEGER NOT NULL,
    verdict  TEXT NOT NULL,
    UNIQUE (node, nseq)
) STRICT;

-- Places of chains whose operation was judged at a place of another chain: its author's database was copied and became another node.
CREATE TABLE reissued (
    node BLOB NOT NULL REFERENCES device (node),
    nseq INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (node, nseq)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    source      TEXT NOT NULL,
    format      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    raw         BLOB NOT NULL,
    raw_bytes   INTEGER NOT NULL
) STRICT;

-- Texts of runbooks: what stands in the directory, what stood there, and what somebody has read.
CREATE TABLE runbook_text (
    runbook  TEXT NOT NULL,
    revision BLOB NOT NULL CHECK (length(revision) = 16),
    text     TEXT NOT NULL CHECK (length(CAST(text AS BLOB)) <= 262144),
    PRIMARY KEY (runbook, revision)
) STRICT;
