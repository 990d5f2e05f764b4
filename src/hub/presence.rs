//! Who has a console that listens: known in memory alone, for a hub that starts anew has nobody connected.

use crate::domain::id::UserName;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long after an answer its console is still taken to be there: the longest pause between two of its requests, with a lost one.
const STAYS: Duration = Duration::from_secs(15);

/// The consoles that wait for news, by their users.
#[derive(Default)]
pub struct Presence(Mutex<HashMap<UserName, Here>>);

#[derive(Default)]
struct Here {
    /// Requests that wait now.
    waiting: u32,
    /// When one was last answered.
    answered: Option<Instant>,
}

impl Presence {
    /// Notes that a console of the user waits for news, until the guard goes.
    pub fn waits(&self, user: &UserName) -> Waits<'_> {
        self.lock().entry(user.clone()).or_default().waiting += 1;
        Waits { presence: self, user: user.clone(), answered: false }
    }

    /// Returns whether a console of the user would get a page now.
    pub fn is_here(&self, user: &UserName) -> bool {
        let stays = |at: Instant| at.elapsed() < STAYS;
        self.lock().get(user).is_some_and(|here| here.waiting > 0 || here.answered.is_some_and(stays))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserName, Here>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One console that waits. A connection that breaks drops it without an answer: then that console is gone.
pub struct Waits<'p> {
    presence: &'p Presence,
    user: UserName,
    answered: bool,
}

impl Waits<'_> {
    /// Notes that it got its answer: it comes again.
    pub fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut all = self.presence.lock();
        let Some(here) = all.get_mut(&self.user) else { return };
        here.waiting = here.waiting.saturating_sub(1);
        if self.answered {
            here.answered = Some(Instant::now());
        } else if here.waiting == 0 {
            all.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_or_was_just_answered_is_here_and_who_broke_off_is_not() {
        let (presence, mira) = (Presence::default(), UserName::parse("mira").unwrap());
        assert!(!presence.is_here(&mira));
        let (first, second) = (presence.waits(&mira), presence.waits(&mira));
        assert!(presence.is_here(&mira));
        drop(first);
        assert!(presence.is_here(&mira), "the other console still waits");
        second.answered();
        assert!(presence.is_here(&mira), "it comes again");
        drop(presence.waits(&mira));
        assert!(!presence.is_here(&mira), "the connection broke");
    }
}
