//! What can be asked for beside labels: one table, of which help, README, completion and errors are made.

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// S1 to S9, or `unexamined`; has an order.
    Severity,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A person's name, `me`, `oncall` or `nobody`.
    Person,
    /// A whole number; has an order.
    Number,
    /// A span of time such as `2h` or `1h30m`; has an order.
    Span,
    /// Any text; a `*` at the end of a value after `:` stands for any rest.
    Name,
    /// Text that is looked for in all that is shown of an incident.
    Text,
}

macro_rules! fields {
    ($($variant:ident, $name:literal, $alias:literal, $kind:expr, $example:literal, $help:literal;)*) => {
        /// What can be asked for beside labels.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Field {
            $(#[doc = $help] $variant,)*
        }

        impl Field {
            /// All of them, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns its name.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Returns the shorter name; empty where there is none.
            pub fn alias(self) -> &'static str {
                match self { $(Self::$variant => $alias),* }
            }

            /// Returns what its values are.
            pub fn kind(self) -> Kind {
                match self { $(Self::$variant => $kind),* }
            }

            /// Returns an example.
            pub fn example(self) -> &'static str {
                match self { $(Self::$variant => $example),* }
            }

            /// Returns what it is, in a line.
            pub fn help(self) -> &'static str {
                match self { $(Self::$variant => $help),* }
            }
        }
    };
}

/// The words of [`Field::State`].
pub(super) const STATES: &[&str] = &[
    "new",
    "acked",
    "snoozed",
    "waiting",
    "recovering",
    "unknown",
    "resolved",
    "open",
    "unacked",
    "pending",
    "firing",
];
const YES_NO: &[&str] = &["yes", "no"];

fields! {
    Severity, "severity", "sev", Kind::Severity, "severity<=3", "How bad it is, S1 (worst) to S9, or `unexamined`.";
    State, "state", "", Kind::Word(STATES), "state:new,acked", "How far it has come; `open` is all but resolved, `unacked` what nobody has.";
    Owner, "owner", "", Kind::Person, "owner=me", "Who has it: a name, `me`, `oncall` or `nobody`.";
    Age, "age", "", Kind::Span, "age<2h", "How long ago it was opened.";
    Number, "number", "id", Kind::Number, "number=12", "The incident's number.";
    Source, "source", "", Kind::Name, "source=prometheus", "Which system sent the alert.";
    Flaps, "flaps", "", Kind::Number, "flaps>3", "How often a series fired again after its end.";
    Series, "series", "", Kind::Number, "series>=10", "How many series the incident has.";
    Service, "service", "svc", Kind::Name, "service:pay*", "What it is about: the label service, else job, namespace or instance.";
    Team, "team", "", Kind::Name, "team=payments", "The team that it was routed to; `unrouted` where no route names it.";
    Policy, "policy", "", Kind::Name, "policy=default", "The escalation policy.";
    Plan, "plan", "", Kind::Word(&["page", "batch", "keep"]), "plan=batch", "Whether it pages, waits for working hours or is kept for the retrospective.";
    Held, "held", "", Kind::Word(YES_NO), "held=yes", "Whether its pages wait for what it depends on.";
    Silenced, "silenced", "", Kind::Word(YES_NO), "silenced=no", "Whether a silence or an Alertmanager keeps it quiet.";
    Claimed, "claimed", "", Kind::Word(YES_NO), "claimed=yes", "Whether a person claimed what it is about.";
    Page, "page", "", Kind::Word(&["me", "hide"]), "page:me", "What calls me; `page:hide` lets a filter hide even that.";
    Text, "text", "", Kind::Text, "text=~\"dis[ck]\"", "Text in number, severity, state, service, summary, owner or a label's value; a bare word is that too.";
}

impl Field {
    /// Returns the field of that name or shorter name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name || (!name.is_empty() && field.alias() == name))
    }

    /// Returns the names of all fields, the shorter ones too.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().flat_map(|field| [field.name(), field.alias()]).filter(|name| !name.is_empty())
    }
}
