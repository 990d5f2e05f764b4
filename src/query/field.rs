//! What an incident has beside labels: one table, from which the parser, the help and the completion are made.

/// What an incident has beside its labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// How bad it is.
    Severity,
    /// How it stands.
    State,
    /// Who has it.
    Owner,
    /// How long ago it was opened.
    Age,
    /// What people call it.
    Number,
    /// Who sent it.
    Source,
    /// How often a series fired again.
    Flaps,
    /// How many series speak of it.
    Series,
    /// What it is about.
    Service,
    /// Whose it is by the rules.
    Team,
    /// Who is called for it.
    Policy,
    /// Whether it pages, waits for working hours, or is only kept.
    Plan,
    /// Whether another incident holds its pages back.
    Held,
    /// Whether a silence holds its pages back.
    Silenced,
    /// Whether somebody has claimed what it is about.
    Claimed,
    /// Whether it calls the person who looks.
    Page,
    /// Any of its words.
    Text,
}

/// What can be asked of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// S1 to S9, or `unexamined`.
    Severity,
    /// One of these words; the place of a word in the list is its bit.
    Words(&'static [Word]),
    /// A person, `me`, `nobody`, `oncall`.
    Owner,
    /// A span of time.
    Span,
    /// A whole number.
    Number,
    /// A text, as a label has.
    Text,
    /// A part of any text.
    Needle,
}

/// A word that a field may be asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Word {
    /// As it is printed.
    pub word: &'static str,
    /// Also taken.
    pub alias: &'static str,
    /// What it means, in a few words.
    pub help: &'static str,
}

/// A line of the table.
#[derive(Debug)]
pub struct Known {
    /// Which field.
    pub field: Field,
    /// Its name in a query.
    pub name: &'static str,
    /// Other names that are taken.
    pub aliases: &'static [&'static str],
    /// What can be asked.
    pub kind: Kind,
    /// What it is, in a line.
    pub help: &'static str,
    /// How it is asked.
    pub example: &'static str,
}

const fn word(word: &'static str, alias: &'static str, help: &'static str) -> Word {
    Word { word, alias, help }
}

const STATES: &[Word] = &[
    word("new", "triggered", "nobody has it"),
    word("acked", "ack", "somebody is on it"),
    word("snoozed", "snz", "quiet until a time, by its owner's word"),
    word("waiting", "wai", "waits for somebody else"),
    word("recovering", "rcv", "every series is over, not for long yet"),
    word("unknown", "unk", "its source is silent"),
    word("resolved", "res", "over"),
    word("open", "", "not over"),
    word("unacked", "", "nobody has it"),
    word("firing", "", "burns"),
    word("pending", "", "heard, not yet long enough to be real"),
];
const PLANS: &[Word] = &[
    word("page", "", "calls people at once"),
    word("batch", "", "waits for working hours"),
    word("keep", "", "kept for the retrospective"),
];
const YES_NO: &[Word] = &[word("yes", "true", "it is"), word("no", "false", "it is not")];
const PAGES: &[Word] =
    &[word("me", "", "it calls you"), word("hide", "", "hides even what calls you, where it does not fit")];

/// The bits of `state`'s words.
pub mod state {
    #![allow(missing_docs)]
    pub const NEW: u16 = 1;
    pub const ACKED: u16 = 1 << 1;
    pub const SNOOZED: u16 = 1 << 2;
    pub const WAITING: u16 = 1 << 3;
    pub const RECOVERING: u16 = 1 << 4;
    pub const UNKNOWN: u16 = 1 << 5;
    pub const RESOLVED: u16 = 1 << 6;
    pub const OPEN: u16 = 1 << 7;
    pub const UNACKED: u16 = 1 << 8;
    pub const FIRING: u16 = 1 << 9;
    pub const PENDING: u16 = 1 << 10;
}

/// The bits of `plan`'s words.
pub mod plan {
    #![allow(missing_docs)]
    pub const PAGE: u16 = 1;
    pub const BATCH: u16 = 1 << 1;
    pub const KEEP: u16 = 1 << 2;
}

/// The bit of `yes`.
pub const YES: u16 = 1;
/// The bit of `no`.
pub const NO: u16 = 2;
/// The bit of `page:me`.
pub const PAGE_ME: u16 = 1;
/// The bit of `page:hide`.
pub const PAGE_HIDE: u16 = 2;

macro_rules! known {
    ($($field:ident $name:literal $aliases:expr, $kind:expr, $help:literal, $example:literal;)*) => {
        /// All fields, in the order of the help.
        pub const FIELDS: &[Known] = &[$(Known {
            field: Field::$field, name: $name, aliases: &$aliases, kind: $kind, help: $help, example: $example,
        }),*];
    };
}

known! {
    Severity "severity" ["sev"], Kind::Severity, "how bad it is: S1 (worst) to S9, or unexamined", "severity<=3";
    State "state" [], Kind::Words(STATES), "how it stands", "state:new,acked";
    Owner "owner" [], Kind::Owner, "who has it: a name, me, nobody, oncall", "owner:me";
    Age "age" [], Kind::Span, "how long ago it was opened", "age<2h";
    Number "number" ["id"], Kind::Number, "its number", "number=12";
    Source "source" [], Kind::Text, "who sent it", "source:prometheus";
    Flaps "flaps" [], Kind::Number, "how often a series fired again", "flaps>=3";
    Series "series" [], Kind::Number, "how many series speak of it", "series>100";
    Service "service" ["svc"], Kind::Text, "what it is about: label service, else job, namespace, instance", "service:pay*";
    Team "team" [], Kind::Text, "whose it is by the routes", "team=payments";
    Policy "policy" [], Kind::Text, "who is called for it", "policy=db";
    Plan "plan" [], Kind::Words(PLANS), "what the service level makes of it", "plan:batch";
    Held "held" [], Kind::Words(YES_NO), "whether another incident holds its pages back", "held:yes";
    Silenced "silenced" [], Kind::Words(YES_NO), "whether a silence holds its pages back", "silenced:no";
    Claimed "claimed" [], Kind::Words(YES_NO), "whether somebody has claimed what it is about", "claimed:yes";
    Page "page" [], Kind::Words(PAGES), "whether it calls you; hide: hides even that", "page:me";
    Text "text" [], Kind::Needle, "any of its words: number, summary, service, owner, label values", "text:\"disk full\"";
}

impl Field {
    /// Returns the field of that name or alias, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let same = |known: &str| known.eq_ignore_ascii_case(name);
        FIELDS.iter().find(|line| same(line.name) || line.aliases.iter().copied().any(same)).map(|line| line.field)
    }

    /// Returns its line of the table.
    pub fn known(self) -> &'static Known {
        // The table stands in the order of the enum; a test looks.
        &FIELDS[self as usize]
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        self.known().name
    }

    /// Returns what can be asked of it.
    pub fn kind(self) -> Kind {
        self.known().kind
    }
}

/// Returns names and aliases of all fields.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().flat_map(|line| std::iter::once(line.name).chain(line.aliases.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_fields_and_no_name_twice() {
        for (index, line) in FIELDS.iter().enumerate() {
            assert_eq!(line.field as usize, index, "{}", line.name);
            assert_eq!(Field::named(line.name), Some(line.field));
        }
        let mut all: Vec<&str> = names().collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
    }

    #[test]
    fn the_bits_are_those_of_the_words() {
        let bit = |words: &[Word], word| 1 << words.iter().position(|known| known.word == word).unwrap();
        assert_eq!((bit(STATES, "pending"), bit(STATES, "resolved")), (state::PENDING, state::RESOLVED));
        assert_eq!((bit(STATES, "open"), bit(STATES, "firing")), (state::OPEN, state::FIRING));
        assert_eq!((bit(PLANS, "batch"), bit(YES_NO, "no")), (plan::BATCH, NO));
        assert_eq!((bit(PAGES, "hide"), bit(PAGES, "me")), (PAGE_HIDE, PAGE_ME));
    }
}
