//! Lines that are typed: the verbs of the palette, with the number of the incident behind them, and answers to what is asked.

use super::{changes, clock, named, safe};
use crate::config::Guards;
use crate::domain::id::IncidentId;
use crate::domain::incident::{Author, Incident, Life};
use crate::domain::text::SafeText;
use crate::domain::time::Timestamp;
use crate::sync::picture::{Detail, Picture};
use crate::tui::action::Action;
use crate::tui::event::Effect;
use crate::tui::keymap::Keymap;
use crate::tui::nearest::did_you_mean;
use crate::tui::state::{Mode, Needs, State};
use crate::tui::topic::Topic;
use crate::tui::update::{self, line};
use crate::tui::verb::{self, VERBS};
use std::sync::Arc;

/// Wide and high enough that nothing counts as scrolled away: every line was printed.
const SIZE: (u16, u16) = (200, 6000);
/// Most incidents of a picker.
const PICKS_MAX: usize = 30;
/// Most lines of a timeline, and most series, that `show` prints.
const SHOWN_MAX: usize = 50;

/// What is said beside the verbs.
const OTHERS: [(&str, &str); 15] = [
    ("list", "what is open"),
    ("show NUMBER", "an incident with its series and its timeline"),
    ("inbox", "what waits for you; inbox dismiss puts it away"),
    ("ack-all", "acknowledge what calls you, after a list"),
    ("shift", "hand over all that is yours, or accept all that is offered"),
    ("undo", "take your latest act back"),
    ("redo", "do again what was taken back"),
    ("results", "what became of the last act on several"),
    ("log [WORDS]", "the last lines of the log"),
    ("doctor [TOPIC]", "what does not hold, and what to do"),
    ("whatsnew, crash, paths", "to read"),
    ("ro, rw", "refuse every act from now on, or allow them again"),
    ("help", "this"),
    ("quit", "leave"),
    ("yes, a number, words", "answer what is asked; an empty line leaves it"),
];

/// A verb that waits for the incident that it is meant for.
struct Picking {
    verb: Action,
    words: String,
    choices: Vec<IncidentId>,
}

/// What is known and what is asked.
pub(in crate::tui) struct Talk {
    state: State,
    picking: Option<Picking>,
    /// Whose detail is printed once it is read.
    showing: Option<IncidentId>,
}

/// Lines to print, and what is to be done.
pub(in crate::tui) type Said = (Vec<String>, Vec<Effect>);

impl Talk {
    /// Returns a talk that begins with this picture.
    pub(in crate::tui) fn new(picture: Arc<Picture>, zone: jiff::tz::TimeZone, guards: &Guards) -> Self {
        let mut state = State::new(picture, Keymap::builtin(), Vec::new(), SIZE);
        state.zone = zone;
        state.guard_by(guards);
        Self { state, picking: None, showing: None }
    }

    /// Returns what is said at the start.
    pub(in crate::tui) fn opening(&self) -> Vec<String> {
        let picture = &self.state.picture;
        let mut lines = vec![format!("NIGHTDESK you are {} at {}; type help", picture.user, safe(&picture.hub))];
        lines.extend(changes::opening(picture));
        lines
    }

    /// Takes a newer picture in.
    pub(in crate::tui) fn heard(&mut self, picture: Arc<Picture>, now: Timestamp) -> Said {
        let before = self.state.picture.clone();
        let effects = update::update(&mut self.state, crate::tui::event::Event::Picture(picture), now);
        // Notices are lines of their own, and a line has no time at which it goes.
        self.state.toast = None;
        let mut lines = changes::between(&before, &self.state.picture);
        lines.extend(self.show());
        (lines, effects)
    }

    /// Says that the mirror took no more.
    pub(in crate::tui) fn busy(&mut self) -> Vec<String> {
        self.state.saving = None;
        vec!["BUSY the mirror takes no more now: NOT done, type it again".to_owned()]
    }

    /// Takes what was read.
    pub(in crate::tui) fn read(topic: Topic, lines: &[String]) -> Vec<String> {
        let first = if topic.ends_newest() { lines.len().saturating_sub(SHOWN_MAX) } else { 0 };
        let lines = lines[first..].iter().map(|line| format!("READ {}", SafeText::line(line, 1000)));
        let nothing = std::iter::once(format!("READ {}", topic.nothing()));
        let lines: Vec<String> = lines.collect();
        if lines.is_empty() { nothing.collect() } else { lines }
    }

    /// Takes a line that was typed.
    pub(in crate::tui) fn typed(&mut self, text: &str, now: Timestamp) -> Said {
        let text = text.trim();
        let mut effects: Vec<Effect> = line::present(&mut self.state).into_iter().collect();
        self.state.toast = None;
        let mut lines = Vec::new();
        if !matches!(self.state.mode, Mode::Browse) {
            effects.extend(line::answer(&mut self.state, text, now));
        } else if let Some(picking) = self.picking.take() {
            effects.extend(self.picked(picking, text, &mut lines, now));
        } else {
            effects.extend(self.command(text, &mut lines, now));
        }
        line::only_look(&self.state, &mut effects);
        self.state.marks.clear();
        line::seal(&mut self.state, &mut effects, now);
        lines.extend(self.state.toast.take().map(|toast| format!("SAID {}", toast.text)));
        lines.extend(self.asked());
        (lines, effects)
    }

    fn command(&mut self, text: &str, lines: &mut Vec<String>, now: Timestamp) -> Vec<Effect> {
        let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        match word {
            "" => {}
            "list" => lines.extend(changes::open(&self.state.picture)),
            "help" | "?" => lines.extend(help()),
            "exit" => return line::action(&mut self.state, Action::AppQuit, now),
            "show" => return self.begin_show(rest, lines),
            "inbox" if rest == "dismiss" && !line::refuses(&mut self.state, Action::InboxDismiss) => {
                return self.dismiss(lines);
            }
            "inbox" => lines.extend(inbox(&self.state.picture)),
            "results" => lines.extend(self.results()),
            _ => return self.named(word, rest, lines, now),
        }
        Vec::new()
    }

    fn named(&mut self, word: &str, rest: &str, lines: &mut Vec<String>, now: Timestamp) -> Vec<Effect> {
        let Some(action) = update::named(word) else {
            let others = OTHERS.iter().filter_map(|(words, _)| words.split([' ', ',']).next());
            let hint = did_you_mean(word, VERBS.iter().map(|(name, ..)| *name).chain(others));
            lines.push(format!("WRONG no command {}{hint}; type help", safe(word)));
            return Vec::new();
        };
        if action == Action::SilenceMake && !rest.is_empty() {
            update::silence_said(&mut self.state, rest);
            return Vec::new();
        }
        if let Some(topic) = Topic::of(action) {
            if topic == Topic::Claim && self.state.readonly {
                lines.push("WRONG read-only: nothing was claimed".to_owned());
                return Vec::new();
            }
            if topic.is_shared() {
                let shown = super::super::shared::lines(&self.state, topic, rest);
                let none = || vec![topic.nothing().to_owned()];
                lines.extend(if shown.is_empty() {
                    none()
                } else {
                    shown.iter().map(|line| safe(line).to_string()).collect()
                });
                return Vec::new();
            }
            return vec![Effect::Read(topic, rest.to_owned())];
        }
        let for_all = matches!(action, Action::IncidentStill | Action::ShiftHandover);
        if VERBS.iter().any(|(_, verb, _)| *verb == action) && !for_all {
            return self.begin_verb(action, rest, lines, now);
        }
        match action {
            Action::ShiftHandover if !rest.is_empty() && !self.state.readonly => {
                update::shift_to(&mut self.state, rest, now)
            }
            Action::IncidentStill
            | Action::ShiftHandover
            | Action::BulkAck
            | Action::UndoLast
            | Action::UndoRedo
            | Action::ReadOnlyOn
            | Action::ReadOnlyOff
            | Action::AppQuit => line::action(&mut self.state, action, now),
            _ => {
                lines.push(format!("WRONG {} needs the screen; type help", safe(word)));
                Vec::new()
            }
        }
    }

    /// Does a verb to the incidents whose numbers stand first behind it, or asks which one is meant.
    fn begin_verb(&mut self, action: Action, rest: &str, lines: &mut Vec<String>, now: Timestamp) -> Vec<Effect> {
        let takes_words = !verb::usage(action).is_empty();
        let (mut numbers, mut words) = (Vec::new(), rest);
        while let Some((first, behind)) = leading_number(words) {
            numbers.push(first);
            words = behind;
            // What stands behind may be a number of another kind, as in `merge 12 13`.
            if takes_words {
                break;
            }
        }
        if numbers.is_empty() {
            return self.pick(action, words, lines);
        }
        let mut targets: Vec<Arc<Incident>> = Vec::new();
        for number in numbers {
            match self.find(number) {
                Some(one) if targets.iter().any(|known| known.id == one.id) => {}
                Some(one) => targets.push(one),
                None => {
                    lines.push(format!("WRONG no incident {number} is known here; type list. Nothing was done"));
                    return Vec::new();
                }
            }
        }
        let words = words.to_owned();
        self.begin(action, &words, targets, now)
    }

    fn begin(&mut self, action: Action, words: &str, targets: Vec<Arc<Incident>>, now: Timestamp) -> Vec<Effect> {
        self.state.selected = targets.first().map(|target| target.id);
        self.state.marks =
            if targets.len() > 1 { targets.iter().map(|one| one.id).collect() } else { Default::default() };
        line::verb(&mut self.state, action, words, targets, now)
    }

    fn find(&self, number: u64) -> Option<Arc<Incident>> {
        let mut rows = self.state.picture.rows.iter();
        rows.find(|row| row.incident.number.0 == number).map(|row| row.incident.clone())
    }

    /// Asks which incident a verb is meant for.
    fn pick(&mut self, verb: Action, words: &str, lines: &mut Vec<String>) -> Vec<Effect> {
        let wants_over = verb == Action::IncidentReopen;
        let rows = self.state.picture.rows.iter().map(|row| &row.incident);
        let mut choices: Vec<&Arc<Incident>> = rows.filter(|one| (one.life == Life::Resolved) == wants_over).collect();
        choices.sort_by_key(|one| (crate::tui::order::severity_rank(one), std::cmp::Reverse(one.number)));
        choices.truncate(PICKS_MAX);
        if choices.is_empty() {
            lines.push(format!("WRONG there is nothing to {}", verb::word(verb)));
            return Vec::new();
        }
        lines.push(format!("ASK {} which? type 1 to {}; an empty line leaves it", verb::word(verb), choices.len()));
        lines.extend(choices.iter().enumerate().map(|(place, one)| format!("{}. {}", place + 1, named(one))));
        let choices = choices.into_iter().map(|one| one.id).collect();
        self.picking = Some(Picking { verb, words: words.to_owned(), choices });
        Vec::new()
    }

    fn picked(&mut self, picking: Picking, text: &str, lines: &mut Vec<String>, now: Timestamp) -> Vec<Effect> {
        let place = text.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        let id = place.and_then(|place| picking.choices.get(place));
        let Some(target) = id.and_then(|id| self.state.row_of(*id)).map(|row| row.incident.clone()) else {
            lines.push("SAID left: nothing was done".to_owned());
            // A new command is one, not a wrong answer.
            return if text.is_empty() || place.is_some() { Vec::new() } else { self.command(text, lines, now) };
        };
        self.begin(picking.verb, &picking.words, vec![target], now)
    }

    fn begin_show(&mut self, rest: &str, lines: &mut Vec<String>) -> Vec<Effect> {
        let Some(one) = rest.parse().ok().and_then(|number| self.find(number)) else {
            lines.push("WRONG show which? give the number of an incident of the list".to_owned());
            return Vec::new();
        };
        self.state.selected = Some(one.id);
        self.showing = Some(one.id);
        lines
            .extend(self.state.row_of(one.id).map(|row| format!("SHOW {}", changes::stands(row, &self.state.picture))));
        lines.extend(self.show());
        line::detail(&mut self.state).into_iter().collect()
    }

    /// Returns the detail that was asked for, once it is there.
    fn show(&mut self) -> Vec<String> {
        let picture = self.state.picture.clone();
        let Some(detail) = picture.detail.as_deref().filter(|detail| Some(detail.incident) == self.showing) else {
            return Vec::new();
        };
        self.showing = None;
        detailed(detail)
    }

    fn dismiss(&mut self, lines: &mut Vec<String>) -> Vec<Effect> {
        let letters: Vec<_> = self.state.picture.inbox.iter().map(|letter| letter.id).collect();
        lines.push(format!("SAID {} letters put away", letters.len()));
        vec![Effect::Ask(crate::sync::desk::Ask::Dismiss(letters))]
    }

    fn results(&self) -> Vec<String> {
        let items = &self.state.batch.items;
        if items.is_empty() {
            return vec!["SAID nothing was done to several at once yet".to_owned()];
        }
        let result = |item: &crate::tui::state::BatchItem| {
            let outcome = item.outcome.as_ref().map_or("waits for the hub".to_owned(), |(text, _)| text.to_string());
            format!("RESULT {} {}: {outcome}", item.submission.number, safe(&item.service))
        };
        items.iter().map(result).collect()
    }

    /// Returns what is asked now.
    fn asked(&mut self) -> Vec<String> {
        match &self.state.mode {
            Mode::Browse => Vec::new(),
            Mode::Confirm(confirm) => {
                let mut lines = vec![format!("ASK {}", confirm.question)];
                lines.extend(confirm.notes.iter().map(|note| format!("NOTE {note}")));
                let force = if confirm.force.is_some() { ", or force" } else { "" };
                lines.push(format!("ASK type yes{force}; anything else leaves it"));
                lines
            }
            Mode::Menu { verb, choices, .. } => {
                let mut lines = vec![format!("ASK {}: type a number, or {}", verb::word(*verb), verb::usage(*verb))];
                lines.extend(choices.iter().enumerate().map(|(at, choice)| format!("{}. {}", at + 1, choice.label)));
                lines
            }
            Mode::Entry { verb, says, .. } => {
                let says = says.as_ref().map_or_else(ToString::to_string, ToString::to_string);
                let says = if says.is_empty() { String::new() } else { format!(" ({says})") };
                vec![format!("ASK {}: type {}{says}; an empty line leaves it", verb::word(*verb), verb::usage(*verb))]
            }
            Mode::Preview(preview) => {
                let mut lines = vec![format!("ASK {}", preview.title)];
                lines.extend(
                    preview.items.iter().map(|item| {
                        format!("EACH {} {}: {}", item.target.number, safe(&item.target.service), item.would)
                    }),
                );
                lines.push(match preview.needs {
                    Needs::Yes => "ASK type yes; anything else leaves it".to_owned(),
                    Needs::Count(_) => format!("ASK type {}; an empty line leaves it", preview.items.len()),
                });
                lines
            }
            // What is a sheet on the screen is no question here.
            _ => {
                self.state.mode = Mode::Browse;
                Vec::new()
            }
        }
    }
}

/// Returns the number that the text begins with, and what stands behind it.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    first.parse().ok().map(|number| (number, rest.trim_start()))
}

fn help() -> Vec<String> {
    let verbs = VERBS.iter().map(|(name, action, usage)| {
        let number = match action {
            Action::IncidentStill | Action::ShiftHandover => "",
            _ => " NUMBER",
        };
        let usage = if usage.is_empty() { String::new() } else { format!(" {usage}") };
        format!("HELP {name}{number}{usage}: {}", action.help())
    });
    verbs.chain(OTHERS.iter().map(|(name, says)| format!("HELP {name}: {says}"))).collect()
}

fn inbox(picture: &Picture) -> Vec<String> {
    let letters = picture.inbox.iter().map(|letter| {
        let number = letter.number.map_or("?".to_owned(), |number| number.to_string());
        format!("INBOX {number} {}", safe(&letter.sentence()))
    });
    let lines: Vec<String> = letters.collect();
    if lines.is_empty() { vec!["INBOX is empty".to_owned()] } else { lines }
}

fn detailed(detail: &Detail) -> Vec<String> {
    let mut lines = Vec::new();
    for series in detail.series.iter().take(SHOWN_MAX) {
        let labels: Vec<String> =
            series.labels.iter().map(|(name, value)| format!("{}={}", safe(name), safe(value))).collect();
        lines.push(format!("SERIES {} {}", format!("{:?}", series.state).to_lowercase(), labels.join(" ")));
    }
    lines.extend(
        detail
            .pages
            .iter()
            .rev()
            .take(SHOWN_MAX)
            .rev()
            .map(|page| format!("CALLED {} {} by {}", clock(page.queued_at), page.person, safe(&page.channel))),
    );
    lines.extend(detail.lines.iter().rev().take(SHOWN_MAX).rev().map(|line| {
        let by = match &line.author {
            Author::Hub => "hub".to_owned(),
            Author::Source(source) => source.to_string(),
            Author::User(user) => user.to_string(),
        };
        format!("TIMELINE {} {by}: {}", line.at.date_and_second(), safe(&line.text))
    }));
    lines
}
