//! Who may do what: a table of scopes and rights. What it does not allow is refused.

use super::time::Timestamp;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// What a token is for. Each has a letter, by which a scanner that finds a leaked token knows its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A source that sends alerts.
    Ingest,
    /// A person who looks and does nothing.
    Viewer,
    /// A console: one person on one device.
    Console,
    /// The hub's own administrator, on the hub's machine.
    Admin,
}

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Right {
    /// Send alerts.
    Send,
    /// Ask whether the hub is well.
    Probe,
    /// Read incidents, series and who the hub is.
    Read,
    /// Deliver operations, one's own and those of others, each of which is checked by itself.
    Deliver,
    /// Give one's own device another node or a fresh token.
    Renew,
    /// Enrol, revoke, list devices.
    Administer,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Ingest, Self::Viewer, Self::Console, Self::Admin];

    /// Returns whether this scope gives that right.
    pub fn allows(self, right: Right) -> bool {
        match right {
            Right::Send => matches!(self, Self::Ingest | Self::Admin),
            Right::Probe => true,
            Right::Read => matches!(self, Self::Viewer | Self::Console | Self::Admin),
            Right::Deliver | Right::Renew => matches!(self, Self::Console | Self::Admin),
            Right::Administer => matches!(self, Self::Admin),
        }
    }

    /// Returns the letter of its tokens.
    pub fn letter(self) -> char {
        match self {
            Self::Ingest => 'i',
            Self::Viewer => 'v',
            Self::Console => 'c',
            Self::Admin => 'a',
        }
    }

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Viewer => "viewer",
            Self::Console => "console",
            Self::Admin => "admin",
        }
    }

    /// Returns the scope of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }

    /// Returns when a token of this scope ends that was made and last used then, or `None` for one that lies in a file of the hub.
    ///
    /// A console's lives 30 days after its last use, 90 at most; a viewer's 30.
    pub fn token_ends_at(self, created_at: Timestamp, last_used_at: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Console => Some(last_used_at.plus(DAY * 30).min(created_at.plus(DAY * 90))),
            Self::Viewer => Some(created_at.plus(DAY * 30)),
            Self::Ingest | Self::Admin => None,
        }
    }

    /// Returns when a console asks for a fresh token: early enough that a long leave does not lock it out.
    pub fn renew_at(created_at: Timestamp) -> Timestamp {
        created_at.plus(DAY * 30)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_the_rights_of_the_table_and_no_other() {
        use Right::{Administer, Deliver, Probe, Read, Renew, Send};
        let rights = [Send, Probe, Read, Deliver, Renew, Administer];
        let table = [
            (Scope::Ingest, [true, true, false, false, false, false]),
            (Scope::Viewer, [false, true, true, false, false, false]),
            (Scope::Console, [false, true, true, true, true, false]),
            (Scope::Admin, [true, true, true, true, true, true]),
        ];
        for (scope, allowed) in table {
            assert_eq!(rights.map(|right| scope.allows(right)), allowed, "{scope:?}");
        }
        assert_eq!(table.map(|(scope, _)| scope), Scope::ALL);
    }

    #[test]
    fn a_consoles_token_slides_for_90_days_and_a_viewers_does_not() {
        let day = |day: i64| Timestamp::from_millis(day * 86_400_000);
        assert_eq!(Scope::Console.token_ends_at(day(0), day(0)), Some(day(30)));
        assert_eq!(Scope::Console.token_ends_at(day(0), day(29)), Some(day(59)));
        assert_eq!(Scope::Console.token_ends_at(day(0), day(80)), Some(day(90)));
        assert_eq!(Scope::Viewer.token_ends_at(day(0), day(29)), Some(day(30)));
        assert_eq!(Scope::Admin.token_ends_at(day(0), day(0)), None);
    }

    #[test]
    fn words_and_letters_tell_scopes_apart() {
        for scope in Scope::ALL {
            assert_eq!(Scope::of_word(scope.word()), Some(scope));
            assert_eq!(Scope::ALL.iter().filter(|other| other.letter() == scope.letter()).count(), 1);
        }
        assert_eq!(Scope::of_word("root"), None);
    }
}
