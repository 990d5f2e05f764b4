//! The bell: once for what is new, twice more for what nobody saw, and muted by a word of the person's.

use super::super::event::Effect;
use super::super::outward::errand::{Errand, ITEMS_MAX, Item, Note};
use super::super::state::{Mute, Repeat, State};
use super::attention::{calls, worst_first};
use crate::domain::paging::{Page, PageId};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::domain::when;
use std::collections::HashSet;
use std::time::Duration;

/// The bell rings at most once within this.
const RING_EVERY: Duration = Duration::from_secs(2);
/// How long after its first bell a page that nobody has seen rings again; then it stops.
pub(crate) const AGAIN_AFTER: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(120)];

/// Rings now, or once two seconds have passed since the last bell; what is new is told with it.
pub(super) fn ring(state: &mut State, now: Timestamp) -> Vec<Effect> {
    let attention = &mut state.attention;
    if let Some(free) = attention.rang_at.map(|rang| rang.plus(RING_EVERY)).filter(|free| now < *free) {
        attention.ring_at = Some(free);
        return Vec::new();
    }
    (attention.rang_at, attention.ring_at) = (Some(now), None);
    let muted = attention.mute.is_on(now);
    let note = note(state, !muted).map(|note| Effect::Outward(Errand::Tell(note)));
    let attention = &mut state.attention;
    let rung = std::mem::take(&mut attention.news);
    attention.repeats.extend(rung.into_iter().map(|page| (page, Repeat { rang_at: now, done: 0 })));
    attention.news_alarms.clear();
    (!muted).then_some(Effect::Bell).into_iter().chain(note).collect()
}

/// Rings for what came too soon after the last bell, for what nobody has seen, and once when the bell is on again.
pub(super) fn due(state: &mut State, now: Timestamp) -> Vec<Effect> {
    let back = matches!(state.attention.mute, Mute::Until(at) if at <= now);
    let mut again = back && !unseen(state).is_empty();
    let attention = &mut state.attention;
    attention.repeats.retain(|page, _| !attention.seen.contains(page));
    if back {
        attention.mute = Mute::Off;
    }
    for repeat in attention.repeats.values_mut() {
        // After a sleep several may be due: one bell is enough for them.
        while repeat.next().is_some_and(|at| at <= now) {
            repeat.done += 1;
            again = true;
        }
    }
    attention.repeats.retain(|_, repeat| repeat.next().is_some());
    let waited = attention.ring_at.is_some_and(|at| at <= now);
    if again || waited { ring(state, now) } else { Vec::new() }
}

/// Forgets what somebody has seen or answered by what the picture says: it rings no more.
pub(super) fn prune(state: &mut State) {
    if !state.attention.repeats.is_empty() {
        let unseen = unseen(state);
        state.attention.repeats.retain(|page, _| unseen.contains(page));
    }
}

/// Returns the pages that nobody has seen or answered.
fn unseen(state: &State) -> HashSet<PageId> {
    let seen = &state.attention.seen;
    let answered = |page: &Page| state.row_of(page.incident).is_some_and(|row| !row.waiting.is_empty());
    let calls = state.picture.calls.iter();
    calls
        .filter(|page| page.seen_at.is_none() && !seen.contains(&page.id) && !answered(page))
        .map(|page| page.id)
        .collect()
}

/// Has what calls now ring no more; what comes later rings.
pub(super) fn mute_repeats(state: &mut State, now: Timestamp) {
    let calling = calls(state).next().is_some();
    state.attention.repeats.clear();
    state.attention.ring_at = None;
    state.tell(if calling { "these pages ring no more; a new one does" } else { "nothing calls you" }, now);
}

/// Turns the bell on or off by words: `on`, `off`, or how long it is to be off.
pub(super) fn set(state: &mut State, words: &str, now: Timestamp) {
    let words = words.strip_prefix("off ").unwrap_or(words).trim();
    let mute = match words {
        "" => {
            let text = match state.attention.mute {
                Mute::Off => "the bell is on; :bell off or :bell 30m mutes it".to_owned(),
                mute => format!("{}; :bell on ends that", mute.told(now, &state.zone).unwrap_or_default()),
            };
            return state.tell(text, now);
        }
        "on" => Mute::Off,
        "off" => Mute::On,
        span => match when::parse(span, now, &state.zone) {
            Ok(at) => Mute::Until(at),
            Err(error) => return state.warn(format!("bell: {error}; nothing was done")),
        },
    };
    state.attention.mute = mute;
    let text = match mute.told(now, &state.zone) {
        Some(off) => format!("{off}; pages still stand in the banner and the title"),
        None => "the bell is on".to_owned(),
    };
    state.tell(text, now);
}

impl Mute {
    /// Returns whether the bell is off at that time.
    pub(crate) fn is_on(self, now: Timestamp) -> bool {
        match self {
            Self::Off => false,
            Self::On => true,
            Self::Until(at) => now < at,
        }
    }

    fn told(self, now: Timestamp, zone: &jiff::tz::TimeZone) -> Option<String> {
        match self {
            Self::Off => None,
            Self::On => Some("BELL OFF".to_owned()),
            Self::Until(at) => Some(format!("BELL OFF to {}", when::told(at, now, zone))),
        }
    }
}

impl Repeat {
    /// Returns when it rings next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        AGAIN_AFTER.get(self.done).map(|after| self.rang_at.plus(*after))
    }
}

/// Returns what is told of what is new: pages, else alarms of our own.
fn note(state: &State, aloud: bool) -> Option<Note> {
    let (attention, picture) = (&state.attention, &state.picture);
    let pages: Vec<&Page> = worst_first(state).into_iter().filter(|page| attention.news.contains(&page.id)).collect();
    let mut items: Vec<Item> = Vec::new();
    let mut count = 0;
    for page in &pages {
        if pages.iter().take_while(|other| other.id != page.id).all(|other| other.incident != page.incident) {
            count += 1;
            if items.len() < ITEMS_MAX {
                items.push(item(state, page));
            }
        }
    }
    let (event, text) = match items.as_slice() {
        [] => {
            let alarm = picture.alarms.iter().find(|alarm| attention.news_alarms.contains(&alarm.incident))?;
            count = attention.news_alarms.len();
            let text = format!("Alarm: the hub is silent; you are level {} for incident {}", alarm.level, alarm.number);
            ("alarm", SafeText::line(&text, 200))
        }
        [one] => ("page", one.told("Page:")),
        [worst, ..] => ("page", worst.told(&format!("Pages: {count} incidents, the worst"))),
    };
    let user = picture.user.to_string();
    Some(Note { schema: 1, event, user, text, count, incidents: items, aloud })
}

fn item(state: &State, page: &Page) -> Item {
    let row = state.row_of(page.incident).map(|row| &*row.incident);
    let text = |of: fn(&crate::domain::incident::Incident) -> &str| SafeText::line(row.map_or("", of), 200);
    Item {
        number: row.map(|one| one.number.0),
        severity: row.and_then(|one| one.severity).map(|severity| severity.to_string()),
        service: text(|one| &one.service),
        summary: text(|one| &one.summary),
        since: page.queued_at.date_and_second(),
        why: SafeText::line(&page.why, 200),
    }
}

impl Item {
    /// Returns these words and which incident it is.
    fn told(&self, words: &str) -> SafeText {
        let Some(number) = self.number else { return SafeText::line(&format!("{words} for you"), 100) };
        let severity = self.severity.as_deref().unwrap_or("S?");
        let mut text = SafeText::line(&format!("{words} {severity} {number} "), 100);
        for more in [self.service.truncated(40), SafeText::from_static(" "), self.summary.truncated(80)] {
            text.push(&more);
        }
        text
    }
}

/// Returns how many incidents call the person.
pub(crate) fn calling(state: &State) -> usize {
    let incidents: HashSet<_> = calls(state).map(|page| page.incident).collect();
    incidents.len()
}

/// Says outside of the screen how many call, when that changed.
pub(super) fn flag(state: &mut State) -> Option<Effect> {
    let calling = calling(state);
    (std::mem::replace(&mut state.attention.flagged, calling) != calling)
        .then_some(Effect::Outward(Errand::Calling(calling)))
}

/// Goes to the incident that calls the worst, the one that the banner names, and from there to the next; the filter gives way where it hides it. An open prompt
/// is closed, and a note's draft kept.
pub(super) fn go(state: &mut State, now: Timestamp) {
    let mut order: Vec<_> = worst_first(state).iter().map(|page| page.incident).collect();
    let mut known = HashSet::new();
    order.retain(|id| known.insert(*id));
    // To the one that the banner names first; from there on to the others.
    let named = super::attention::worst_call(state).map(|page| page.incident);
    let came = state.selected == named || state.guard.gone == state.selected;
    let here = state.selected.filter(|_| came).and_then(|id| order.iter().position(|other| *other == id));
    let next = here.map_or(0, |place| place + 1);
    let alarm = || state.picture.alarms.first().map(|alarm| alarm.incident);
    let Some(id) = order.get(next).or(order.first()).copied().or_else(alarm) else {
        return state.tell("nothing calls you", now);
    };
    if state.row_of(id).is_none() {
        return state.tell("the incident that calls you is not mirrored yet", now);
    }
    // A note's draft is kept.
    super::prompt::cancel(state);
    super::sight::jump(state, id, now);
    state.guard.gone = Some(id);
}
