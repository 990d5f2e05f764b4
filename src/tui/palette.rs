//! What the command line offers while one types: commands by name, words and description, and what may stand behind them.

use super::action::Action;
use super::editor::Editor;
use super::event::Effect;
use super::shared;
use super::state::{Mode, State};
use super::tier::Tier;
use super::update::{Argument, argument, commands, named, spoken, worst_call};
use super::views;
use crate::domain::incident::{Incident, Life};
use crate::query::{Completion, Field, Vocabulary, complete};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use std::cmp::Reverse;
use std::sync::Arc;

/// Most names of commands that are remembered.
pub(crate) const RECENT_MAX: usize = 20;
/// Most that is offered.
const OFFERED_MAX: usize = 100;
/// Characters of what is typed that are looked for.
const QUERY_MAX: usize = 64;
/// A description is searched from so many characters on: two letters in a row stand in every sentence.
const DESCRIPTION_FROM: usize = 3;
/// What each character of a match must score at least: as much as one that stands alone, so that they stand nearly together.
const SCORE_MIN: u32 = 16;

/// What is offered for what is typed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Palette {
    /// What was typed: walking through the list changes the line, and not the list.
    pub(crate) typed: Editor,
    pub(crate) offers: Vec<Offer>,
    /// Which of them stands in the line.
    pub(crate) at: Option<usize>,
    /// Names of commands that were used, the latest first. Never what stood behind them.
    pub(crate) recent: Vec<String>,
}

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Offer {
    /// What the line becomes.
    pub(crate) text: String,
    /// Where its cursor stands then, in bytes.
    pub(crate) at: usize,
    /// What is listed.
    pub(crate) name: String,
    /// The command, for a line that is one.
    pub(crate) action: Option<Action>,
    pub(crate) help: String,
}

impl Offer {
    fn line(&self) -> Editor {
        Editor::with_cursor(self.text.clone(), self.at)
    }
}

/// Makes the list anew for what stands in the line.
pub(crate) fn refresh(state: &mut State) {
    let (typed, mut offers) = match &state.mode {
        Mode::Command { editor, .. } => (editor.clone(), offers(state, editor.text())),
        Mode::Filter { editor, .. } => (editor.clone(), queries(state, editor)),
        _ => return,
    };
    offers.truncate(OFFERED_MAX);
    let palette = &mut state.palette;
    (palette.typed, palette.offers, palette.at) = (typed, offers, None);
}

/// Returns what may stand in a query at the cursor.
fn queries(state: &State, editor: &Editor) -> Vec<Offer> {
    let text = editor.text();
    let found = complete(text, editor.split().0.len(), &Words(state));
    let offer = |one: Completion| Offer {
        text: format!("{}{}{}", &text[..one.replaces.start], one.text, &text[one.replaces.end..]),
        at: one.replaces.start + one.text.len(),
        action: None,
        help: one.help.to_owned(),
        name: one.text,
    };
    found.into_iter().map(offer).collect()
}

/// The names and values of the picture.
struct Words<'s>(&'s State);

impl Vocabulary for Words<'_> {
    fn labels(&self, each: &mut dyn FnMut(&str)) {
        self.0.picture.labels.labels(each);
    }

    fn values(&self, label: &str, each: &mut dyn FnMut(&str)) {
        self.0.picture.labels.values(label, each);
    }

    fn field_values(&self, field: Field, each: &mut dyn FnMut(&str)) {
        let incidents = || self.0.picture.rows.iter().map(|row| &row.incident);
        match field {
            Field::Owner => self.0.picture.known.people.iter().for_each(|person| each(person.as_str())),
            Field::Service => incidents().for_each(|one| each(&one.service)),
            Field::Team => incidents().for_each(|one| each(one.course.team())),
            Field::Policy => incidents().for_each(|one| each(one.course.policy())),
            _ => self.0.picture.labels.field_values(field, each),
        }
    }
}

fn offers(state: &State, typed: &str) -> Vec<Offer> {
    let line = typed.trim_start();
    let command = line.split_once(' ').and_then(|(word, rest)| Some((word, named(word)?, rest)));
    if let Some((word, action, rest)) = command {
        return arguments(state, word, action, rest.trim_start());
    }
    let query: String = line.trim().chars().take(QUERY_MAX).collect();
    let recent = &state.palette.recent;
    let rank = |word: &str| recent.iter().position(|one| one == word).unwrap_or(usize::MAX);
    let mut search = Search::new(&query);
    let mut found: Vec<_> = commands()
        .into_iter()
        .enumerate()
        .filter_map(|(place, (word, action, usage))| {
            let (tier, score) = search.command(word, action)?;
            Some(((tier, rank(word), Reverse(score), place), word, action, usage))
        })
        .collect();
    found.sort_by_key(|(key, ..)| *key);
    let offer = |(_, word, action, usage): (_, &'static str, Action, &'static str)| Offer {
        at: word.len() + usize::from(!usage.is_empty()),
        text: if usage.is_empty() { word.to_owned() } else { format!("{word} ") },
        name: word.to_owned(),
        action: Some(action),
        help: match usage {
            "" => action.help().to_owned(),
            _ if usage.starts_with('[') => format!("{} {usage}", action.help()),
            _ => format!("{} [{usage}]", action.help()),
        },
    };
    found.into_iter().map(offer).collect()
}

/// Returns what may stand behind a command.
fn arguments(state: &State, word: &str, action: Action, typed: &str) -> Vec<Offer> {
    let Some(kind) = argument(action) else { return Vec::new() };
    let values: Vec<(String, String)> = match kind {
        Argument::Person => {
            let me = &state.picture.user;
            let others = state.picture.known.people.iter().filter(|person| *person != me);
            others.map(|person| (person.to_string(), String::new())).collect()
        }
        Argument::Incident => {
            let selected = state.selected;
            let others = state.unresolved().map(|row| &row.incident).filter(|one| Some(one.id) != selected);
            others.map(|one| (one.number.to_string(), format!("{} {}", one.service, one.summary))).collect()
        }
        Argument::Runbook => shared::runbooks(state)
            .into_iter()
            .map(|(word, runbook)| (runbook.name.to_string(), format!("{word}  {}", runbook.title)))
            .collect(),
        Argument::Heading => state
            .reader
            .headings()
            .map(|(_, heading)| (heading.title.as_str().to_owned(), "#".repeat(heading.level.into())))
            .collect(),
        Argument::Theme => state.look.names.iter().map(|name| (name.clone(), String::new())).collect(),
        Argument::Keymap => state.keymap_names.1.iter().map(|name| (name.clone(), String::new())).collect(),
        Argument::View => views::all(state).iter().map(|view| (view.name.to_owned(), view.query.to_owned())).collect(),
        Argument::Words(words) => words.iter().map(|word| ((*word).to_owned(), String::new())).collect(),
    };
    let query: String = typed.chars().take(QUERY_MAX).collect();
    let mut search = Search::new(&query);
    let mut found: Vec<_> = values
        .into_iter()
        .enumerate()
        .filter_map(|(place, (value, help))| {
            let (tier, score) = search.name(&value).or_else(|| search.description(&help))?;
            Some(((tier, Reverse(score), place), value, help))
        })
        .collect();
    found.sort_by_key(|(key, ..)| *key);
    let offer = |(_, value, help): (_, String, String)| Offer {
        at: word.len() + 1 + value.len(),
        text: format!("{word} {value}"),
        name: value,
        action: None,
        help,
    };
    found.into_iter().map(offer).collect()
}

/// One search: how near a name is comes first, how well it fits second.
struct Search<'q> {
    query: &'q str,
    pattern: Pattern,
    matcher: Matcher,
    /// Characters, made once and used again.
    buffer: Vec<char>,
}

impl<'q> Search<'q> {
    fn new(query: &'q str) -> Self {
        let pattern = Pattern::new(query, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
        Self { query, pattern, matcher: Matcher::new(Config::DEFAULT), buffer: Vec::new() }
    }

    fn score(&mut self, text: &str) -> Option<u32> {
        let length = self.query.chars().filter(|c| *c != ' ').count() as u32;
        let score = self.pattern.score(Utf32Str::new(text, &mut self.buffer), &mut self.matcher);
        score.filter(|score| *score >= SCORE_MIN * length)
    }

    /// Returns how near a name is: it is this, begins so, or has these characters in this order.
    fn name(&mut self, name: &str) -> Option<(u8, u32)> {
        match name.strip_prefix(self.query) {
            _ if self.query.is_empty() => Some((0, 0)),
            Some("") => Some((0, 0)),
            Some(_) => Some((1, 0)),
            None => self.score(name).map(|score| (3, score)),
        }
    }

    fn description(&mut self, text: &str) -> Option<(u8, u32)> {
        let is_long = self.query.chars().count() >= DESCRIPTION_FROM;
        self.score(text).filter(|_| is_long).map(|score| (4, score))
    }

    fn command(&mut self, word: &str, action: Action) -> Option<(u8, u32)> {
        // The short word is what people mean first.
        let long = self.name(action.name()).map(|(tier, score)| (tier.max(2), score));
        let near = self.name(word).into_iter().chain(long.filter(|_| !self.query.is_empty()));
        let nearest = near.min_by_key(|(tier, score)| (*tier, Reverse(*score)));
        nearest.or_else(|| self.description(action.help()))
    }
}

/// Walks through the list: the line becomes what is under the mark, and what was typed before the first.
pub(crate) fn walk(state: &mut State, lines: isize) {
    let palette = &mut state.palette;
    if palette.offers.is_empty() {
        return;
    }
    let last = palette.offers.len() as isize - 1;
    let next = match palette.at {
        None if lines < 0 => last,
        None => (lines - 1).min(last),
        Some(at) => (at as isize).saturating_add(lines).min(last),
    };
    palette.at = usize::try_from(next).ok();
    let line = match palette.at {
        Some(at) => palette.offers[at].line(),
        None => palette.typed.clone(),
    };
    if let Mode::Command { editor, .. } | Mode::Filter { editor, .. } = &mut state.mode {
        *editor = line;
    }
}

/// Returns the query as far as all that is offered agrees, or `None` where that is no further than it is typed.
pub(crate) fn agreed(state: &State) -> Option<Editor> {
    let Mode::Filter { editor, .. } = &state.mode else { return None };
    let (typed, behind) = editor.split();
    let offers = state.palette.offers.iter().filter(|offer| offer.text.starts_with(typed));
    let mut written = offers.map(|offer| &offer.text[..offer.at]);
    let first = written.next()?;
    let common = |other: &str| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let length = written.map(common).min().unwrap_or(first.len());
    let agreed = &first[..first.floor_char_boundary(length)];
    (agreed.len() > typed.len()).then(|| Editor::with_cursor(format!("{agreed}{behind}"), agreed.len()))
}

/// Returns the line as far as all that begin so agree; where nothing begins so, the best that is offered.
pub(crate) fn complete_command(state: &State) -> Option<String> {
    let Mode::Command { editor, .. } = &state.mode else { return None };
    let typed = editor.text();
    let begins: Vec<&Offer> = state.palette.offers.iter().filter(|offer| offer.text.starts_with(typed)).collect();
    match begins.as_slice() {
        // One that stands whole in the line already is followed by what may stand behind it.
        [] => state.palette.offers.first().map(|offer| whole(&offer.text)),
        [only] => Some(whole(&only.text)),
        [first, rest @ ..] => {
            let common =
                |other: &&Offer| first.text.bytes().zip(other.text.bytes()).take_while(|(a, b)| a == b).count();
            let length = rest.iter().map(common).min().unwrap_or(first.text.len());
            Some(first.text[..first.text.floor_char_boundary(length)].to_owned())
        }
    }
}

fn whole(text: &str) -> String {
    format!("{} ", text.trim_end())
}

/// Remembers which command was used; its name alone.
pub(crate) fn remember(state: &mut State, line: &str) -> Option<Effect> {
    let word = spoken(named(line.split_whitespace().next()?)?);
    let recent = &mut state.palette.recent;
    if recent.first().is_some_and(|first| first == word) {
        return None;
    }
    recent.retain(|one| one != word);
    recent.insert(0, word.to_owned());
    recent.truncate(RECENT_MAX);
    Some(Effect::Remember(recent.clone()))
}

/// Returns why a command would do nothing now, on the incidents that it is meant for.
pub(crate) fn bar(state: &State, action: Action, targets: &[Arc<Incident>]) -> Option<&'static str> {
    let me = Some(&state.picture.user);
    let needs_one = commands().iter().any(|(_, verb, _)| *verb == action) && action.group() == super::Group::Incident;
    let none = |holds: &dyn Fn(&Incident) -> bool, says| (!targets.iter().any(|one| holds(one))).then_some(says);
    match action {
        _ if state.readonly && action.tier() > Tier::View => Some("read-only"),
        Action::IncidentStill => {
            let mine = state.unresolved().any(|row| row.incident.owner.as_ref() == me);
            (!mine).then_some("nothing is yours")
        }
        _ if needs_one && targets.is_empty() => Some("nothing is selected"),
        Action::IncidentUnack => none(&|one| one.owner.as_ref() == me, "not yours"),
        Action::IncidentAccept | Action::IncidentDecline => {
            none(&|one| one.offer.as_ref().is_some_and(|offer| Some(&offer.to) == me), "not offered to you")
        }
        Action::IncidentReopen => none(&|one| one.life == Life::Resolved, "not resolved"),
        Action::UndoLast => state.picture.undo.is_empty().then_some("nothing to take back"),
        Action::MarkClear => state.marks.is_empty().then_some("nothing is marked"),
        Action::PageGo => worst_call(state).is_none().then_some("nothing calls you"),
        Action::ResultsOpen => state.batch.items.is_empty().then_some("nothing was done to several"),
        _ => None,
    }
}

/// Returns what is to be known before using a command that can be used.
pub(crate) fn hint(state: &State, action: Action) -> Option<&'static str> {
    (!state.is_live() && action.reaches_others()).then_some("offline: will be sent later")
}
