//! Reads one keymap file, entry by entry: what is wrong is told with its line and left out, the rest holds.

use super::{Arm, Binding, Condition, Context, Keymap, Origin, Problem, SEQUENCE_MAX};
use crate::domain::text::SafeText;
use crate::tui::action::Action;
use crate::tui::key::{self, Key, KeyPress};
use crate::tui::nearest::did_you_mean;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Most characters of a `desc`.
const DESC_MAX: usize = 80;

/// What a file says.
pub(super) struct Reader<'a> {
    text: &'a str,
    file: Arc<str>,
    /// What it lies over, where it says so.
    pub(super) extends: Option<(String, usize)>,
    added: Vec<(Range<usize>, Binding)>,
    pub(super) problems: Vec<Problem>,
    /// What works, and may surprise.
    pub(super) warnings: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Reads the text of a file of that name.
    pub(super) fn read(text: &'a str, file: &str) -> Self {
        let (added, problems, warnings) = Default::default();
        let mut reader = Self { text, file: file.into(), extends: None, added, problems, warnings };
        match DeTable::parse(text) {
            Ok(table) => reader.table(table.get_ref()),
            Err(error) => reader.problem(error.span().unwrap_or_default(), error.message().to_owned()),
        }
        // The file's own order: the first key of an action is the one that footers name.
        reader.added.sort_by_key(|(span, _)| span.start);
        reader
    }

    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or_default();
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    fn problem(&mut self, span: Range<usize>, text: String) {
        let line = self.line(&span);
        self.problems.push(Problem { file: self.file.to_string(), line, text });
    }

    fn warn(&mut self, span: &Range<usize>, text: String) {
        let line = self.line(span);
        self.warnings.push(Problem { file: self.file.to_string(), line, text });
    }

    fn table(&mut self, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("schema", DeValue::Integer(number)) if number.as_str() == "1" => {}
                ("schema", _) => self.problem(value.span(), "unknown schema: this program reads schema 1".into()),
                ("name", DeValue::String(_)) => {}
                ("extends", DeValue::String(base)) => {
                    self.extends = Some((base.to_string(), self.line(&value.span())));
                }
                ("name" | "extends", _) => self.problem(value.span(), "write a name in quotes".into()),
                (name, DeValue::Table(entries)) => self.context(name, value.span(), entries),
                (other, _) => {
                    let hint = did_you_mean(other, ["schema", "name", "extends"]);
                    self.problem(name.span(), format!("unknown setting {other:?}{hint}"));
                }
            }
        }
    }

    fn context(&mut self, name: &str, span: Range<usize>, entries: &DeTable<'_>) {
        let Some(context) = Context::parse(name) else {
            let hint = did_you_mean(name, Context::ALL.iter().map(|(name, _)| *name));
            return self.problem(span, format!("unknown context {name:?}{hint}"));
        };
        for (keys, value) in entries.iter() {
            let written: &str = keys.get_ref();
            let sequence = match KeyPress::parse_sequence(written) {
                Some(sequence) if sequence.len() <= SEQUENCE_MAX => sequence,
                Some(_) => {
                    self.problem(keys.span(), format!("at most {SEQUENCE_MAX} keys make a sequence"));
                    continue;
                }
                None => {
                    let text = format!("unknown key {written:?}{}", nearest_key(written));
                    self.problem(keys.span(), text);
                    continue;
                }
            };
            let origin = Origin { file: self.file.clone(), line: self.line(&keys.span()) };
            if let Some(arms) = self.arms(value) {
                self.bind(keys.span(), written, Binding { context, keys: sequence, arms, origin });
            }
        }
    }

    /// Takes an entry, unless it breaks a rule that holds on any key.
    fn bind(&mut self, span: Range<usize>, written: &str, binding: Binding) {
        if let Some(broken) = broken_rule(&binding) {
            return self.problem(span, broken);
        }
        if !binding.is_none() {
            for one in written.split_whitespace() {
                if let Some(doubt) = key::doubt(one) {
                    self.warn(&span, format!("{one:?} may not come: {doubt}"));
                }
            }
        }
        let never =
            binding.arms.iter().position(|arm| arm.when.is_none()).is_some_and(|at| at + 1 < binding.arms.len());
        if never {
            self.warn(&span, format!("{written:?}: what stands behind an entry without \"when\" never happens"));
        }
        self.added.push((span, binding));
    }

    fn arms(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<Arm>> {
        let plain = |actions| Some(vec![Arm { when: None, actions, desc: None }]);
        match value.get_ref() {
            DeValue::String(_) => self.actions(value).and_then(plain),
            DeValue::Table(table) => self.described(table, value.span()).map(|arm| vec![arm]),
            DeValue::Array(all) if all.iter().all(|one| matches!(one.get_ref(), DeValue::String(_))) => {
                self.actions(value).and_then(plain)
            }
            DeValue::Array(all) => all.iter().map(|one| self.branch(one)).collect(),
            _ => {
                self.problem(value.span(), "write an action's name, a list of them, or \"none\"".into());
                None
            }
        }
    }

    fn branch(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Arm> {
        match value.get_ref() {
            DeValue::Table(table) => self.described(table, value.span()),
            _ => {
                self.problem(value.span(), "write either names alone, or { when = .., action = .. } alone".into());
                None
            }
        }
    }

    fn described(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<Arm> {
        const SETTINGS: [&str; 3] = ["action", "desc", "when"];
        for (name, _) in table.iter() {
            if !SETTINGS.contains(&name.get_ref().as_ref()) {
                let hint = did_you_mean(name.get_ref(), SETTINGS);
                let text = format!("unknown setting {:?}{hint}: action, desc and when are read", name.get_ref());
                self.problem(name.span(), text);
                return None;
            }
        }
        let when = match table.get("when") {
            Some(value) => Some(self.condition(value)?),
            None => None,
        };
        let desc = match table.get("desc").map(|value| (value.get_ref(), value.span())) {
            Some((DeValue::String(desc), _)) => Some(SafeText::line(desc, DESC_MAX).to_string()),
            Some((_, span)) => {
                self.problem(span, "write desc in quotes".into());
                return None;
            }
            None => None,
        };
        match table.get("action") {
            Some(value) => self.actions(value).map(|actions| Arm { when, actions, desc }),
            None => {
                self.problem(span, "the action is missing".into());
                None
            }
        }
    }

    fn condition(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Condition> {
        let DeValue::String(name) = value.get_ref() else {
            self.problem(value.span(), "write when in quotes".into());
            return None;
        };
        let condition = Condition::parse(name);
        if condition.is_none() {
            let hint = did_you_mean(name, Condition::ALL.iter().map(|condition| condition.name()));
            self.problem(value.span(), format!("unknown condition {:?}{hint}", name.as_ref()));
        }
        condition
    }

    /// Reads a name or a list of names; `none` is the empty list.
    fn actions(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<Action>> {
        match value.get_ref() {
            DeValue::String(name) if name == "none" => Some(Vec::new()),
            DeValue::String(name) => self.action(name, value.span()).map(|action| vec![action]),
            DeValue::Array(names) => names.iter().map(|name| self.one(name)).collect(),
            _ => {
                self.problem(value.span(), "write an action's name, a list of them, or \"none\"".into());
                None
            }
        }
    }

    fn one(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Action> {
        match value.get_ref() {
            DeValue::String(name) => self.action(name, value.span()),
            _ => {
                self.problem(value.span(), "write an action's name".into());
                None
            }
        }
    }

    fn action(&mut self, name: &str, span: Range<usize>) -> Option<Action> {
        let action = Action::parse(name);
        if action.is_none() {
            let hint = did_you_mean(name, Action::ALL.iter().map(|action| action.name()));
            self.problem(span, format!("unknown action {name:?}{hint}"));
        }
        action
    }

    /// Lays what was read over what was there; two entries of one file that cannot be told apart are a problem.
    pub(super) fn over(mut self, mut keymap: Keymap) -> (Keymap, Vec<Problem>, Vec<Problem>) {
        let mut mine: Vec<Binding> = Vec::new();
        for (span, binding) in std::mem::take(&mut self.added) {
            let alike = |old: &&Binding| old.context == binding.context && old.begins_alike(&binding.keys);
            match mine.iter().find(alike) {
                Some(old) if old.keys == binding.keys => {
                    self.problem(span.clone(), format!("{:?} stands twice; the later one is kept", binding.label()));
                }
                Some(old) => {
                    let (new, old) = (binding.label(), old.label());
                    self.problem(span.clone(), format!("{new:?} and {old:?} begin alike; the later one is kept"));
                }
                None => {}
            }
            if let Some(text) = answers_itself(&keymap, &binding) {
                self.problem(span, text);
                continue;
            }
            self.takes_place(&span, &keymap, &binding);
            mine.push(binding.clone());
            keymap.put(binding);
        }
        self.problems.sort_by_key(|problem| problem.line);
        self.warnings.sort_by_key(|warning| warning.line);
        (keymap, self.problems, self.warnings)
    }

    /// Warns of longer or shorter sequences below that this entry makes unreachable.
    fn takes_place(&mut self, span: &Range<usize>, keymap: &Keymap, binding: &Binding) {
        let gone = |old: &&Binding| {
            old.context == binding.context && old.keys != binding.keys && old.begins_alike(&binding.keys)
        };
        let Some(old) = keymap.bindings.iter().filter(|old| !old.is_none()).find(gone) else { return };
        if binding.is_none() {
            return;
        }
        let does = old.actions().next().map_or("", Action::name);
        self.warn(span, format!("{:?} takes the place of {:?} ({does})", binding.label(), old.label()));
    }
}

fn nearest_key(written: &str) -> String {
    let last = written.rsplit(['-', ' ']).next().unwrap_or_default();
    did_you_mean(last, key::names())
}

/// Returns the rule that an entry breaks. An action keeps its guard whatever key it is on.
fn broken_rule(binding: &Binding) -> Option<String> {
    let reaches = |arm: &Arm| arm.actions.iter().filter(|action| action.reaches_others()).count();
    let last = binding.keys.last()?;
    if last.key == Key::Enter && binding.arms.iter().any(|arm| reaches(arm) > 0) {
        return Some("enter never acts on an incident; choose another key".into());
    }
    let alone = |action: &Action| action.answers() || *action == Action::ReadOnlyOff;
    if binding.arms.iter().any(|arm| arm.actions.len() > 1 && arm.actions.iter().any(alone)) {
        return Some("an answer stands alone: no key answers what it asked itself, or allows what it does".into());
    }
    if binding.arms.iter().any(|arm| reaches(arm) > 1) {
        return Some("one key does one thing to an incident; write one action".into());
    }
    // A list of what was done is a sheet, too: there it is taken back.
    let takes_back =
        |action: &Action| binding.context == Context::Sheet && matches!(action, Action::UndoLast | Action::UndoRedo);
    let begins = |action: &Action| action.reaches_others() && !action.answers() && !takes_back(action);
    let verb = binding.actions().find(begins);
    if let Some(verb) = verb.filter(|_| binding.context.asks()) {
        return Some(format!("{} begins nothing while something is asked; bind it in [stream]", verb.name()));
    }
    let first = binding.keys.first()?;
    if binding.context == Context::Prompt && first.text().is_some() {
        return Some(format!("in a prompt {:?} is a letter; it could not be typed any more", binding.label()));
    }
    None
}

/// Says so where one key would ask and, pressed again, answer: a held key must not carry anything out.
fn answers_itself(keymap: &Keymap, new: &Binding) -> Option<String> {
    let says_yes = |binding: &Binding| {
        let yes = |action| matches!(action, Action::ConfirmYes | Action::ConfirmForce);
        binding.context.asks() && binding.actions().any(yes)
    };
    let asks = |binding: &Binding| {
        let pane = matches!(
            binding.context,
            Context::Global | Context::Stream | Context::Detail | Context::Runbook | Context::Menu
        );
        let quits = |action| action == Action::AppQuit;
        pane && binding.actions().any(|action| action.reaches_others() || quits(action)) && !says_yes(binding)
    };
    let last = |binding: &Binding| binding.keys.last().copied();
    // A sequence that begins with another key was meant: only its last key can be held.
    let clash =
        |old: &&Binding| last(old) == last(new) && ((asks(new) && says_yes(old)) || (says_yes(new) && asks(old)));
    let old = keymap.bindings.iter().find(clash)?;
    let (asking, answer) = if asks(new) { (new, old) } else { (old, new) };
    let verb = asking.actions().next().map_or("", Action::name);
    Some(format!(
        "{:?} would both ask ({verb}) and answer ({}): choose another key",
        new.label(),
        answer.context.name()
    ))
}
