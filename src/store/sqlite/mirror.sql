-- A console's mirror of one hub, schema 2. What the hub confirmed can be fetched again; the table `op` cannot.

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
CREATE INDEX incident_group ON incident (json_extract(body, '$.group_key'), number);
CREATE INDEX incident_service ON incident (json_extract(body, '$.service'), number);

CREATE TABLE series (
    source      TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 16),
    incident    BLOB,
    over_since  INTEGER,
    generation  INTEGER NOT NULL,
    body        TEXT NOT NULL,
    -- The place in the feed: what is newer than was read before is found by it.
    seq         INTEGER NOT NULL DEFAULT 0,
    -- Not WITHOUT ROWID: in the order of random keys, each body would be written into another page of the file.
    PRIMARY KEY (source, fingerprint)
) STRICT;
CREATE INDEX series_incident ON series (incident);
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
    body       TEXT NOT NULL,
    -- The latest call of its person for an incident that nobody has, and no console was there.
    missed     INTEGER NOT NULL DEFAULT 0 CHECK (missed IN (0, 1))
) STRICT;
CREATE INDEX page_missed ON page (incident, person) WHERE missed = 1;
CREATE INDEX page_incident ON page (incident);
CREATE INDEX page_open ON page (person) WHERE open = 1;

-- What is shared and is no incident. Kinds that this program does not know are kept for one that does.
CREATE TABLE item (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    ends_at    INTEGER,
    generation INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;

-- Own operations, in the order of their chain. Confirmed ones of former chains of this database stand below zero, in their order.
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
    -- Whether it is offered again though it is answered: the hub's history is another one since.
    again    INTEGER NOT NULL DEFAULT 0 CHECK (again IN (0, 1)),
    -- 0 while an answer that must stay before the person was not dismissed by them; 1 from the start for an answer that need not stay.
    dismissed INTEGER NOT NULL DEFAULT 0 CHECK (dismissed IN (0, 1)),
    CHECK ((verdict IS NULL) = (seq IS NULL))
) STRICT;
CREATE INDEX op_waiting ON op (nseq) WHERE verdict IS NULL;
CREATE INDEX op_untold ON op (nseq) WHERE verdict IS NOT NULL AND told = 0;
CREATE INDEX op_again ON op (nseq) WHERE again = 1;
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

-- Operations of other nodes, in the order of their chains: heard from peers, carried to the hub. Of each node one unbroken run.
CREATE TABLE relay (
    node        BLOB NOT NULL CHECK (length(node) = 16),
    nseq        INTEGER NOT NULL CHECK (nseq > 0),
    op_id       BLOB NOT NULL CHECK (length(op_id) = 16),
    incident    BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    hash        BLOB NOT NULL CHECK (length(hash) = 32),
    bytes       BLOB NOT NULL CHECK (length(bytes) <= 16384),
    -- The node of the peer that told it first.
    via         BLOB NOT NULL CHECK (length(via) = 16),
    received_at INTEGER NOT NULL,
    -- The hub's answer; NULL until it is known here.
    verdict     TEXT,
    PRIMARY KEY (node, nseq)
) STRICT;
CREATE INDEX relay_op ON relay (op_id);
CREATE INDEX relay_via ON relay (via, length(bytes)) WHERE verdict IS NULL;
CREATE INDEX relay_waiting ON relay (node, nseq) WHERE verdict IS NULL;

-- How far the hub has judged other nodes, as far as this console heard, and which of them are believed no more.
CREATE TABLE chain (
    node    BLOB PRIMARY KEY CHECK (length(node) = 16),
    -- The newest judged operation; 0 when none is known.
    judged  INTEGER NOT NULL DEFAULT 0,
    hash    BLOB NOT NULL DEFAULT (zeroblob(32)) CHECK (length(hash) = 32),
    -- From this number on nothing of the node is shown or passed on: it told two stories, or the hub has another.
    stopped INTEGER,
    -- Whether the person was told of that.
    told    INTEGER NOT NULL DEFAULT 0 CHECK (told IN (0, 1))
) STRICT, WITHOUT ROWID;

-- Two operations for one place in a chain, kept side by side: a database was copied, or a key lies.
CREATE TABLE evidence (
    node        BLOB NOT NULL CHECK (length(node) = 16),
    nseq        INTEGER NOT NULL,
    hash        BLOB NOT NULL CHECK (length(hash) = 32),
    bytes       BLOB NOT NULL CHECK (length(bytes) <= 16384),
    received_at INTEGER NOT NULL,
    PRIMARY KEY (node, nseq, hash)
) STRICT, WITHOUT ROWID;

-- Rows that the hub signed, of its present history, to be passed on: incidents of the day, and answers to anybody's operations.
CREATE TABLE signed_row (
    kind      TEXT NOT NULL CHECK (kind IN ('incident', 'verdict')),
    -- The incident or the operation.
    id        BLOB NOT NULL CHECK (length(id) = 16),
    seq       INTEGER NOT NULL,
    -- When the hub signed it, by its clock.
    signed_at INTEGER NOT NULL,
    -- The place in its chain of the operation that the verdict answers.
    node      BLOB,
    nseq      INTEGER,
    body      TEXT NOT NULL,
    signature BLOB NOT NULL CHECK (length(signature) = 64),
    PRIMARY KEY (kind, id),
    CHECK ((kind = 'verdict') = (node IS NOT NULL AND nseq IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX signed_row_seq ON signed_row (kind, seq);
CREATE INDEX signed_row_place ON signed_row (node, nseq) WHERE node IS NOT NULL;
