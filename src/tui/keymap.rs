//! Which key does what: a shipped file, and a person's own over it.
//!
//! What is wrong in a person's file is dropped entry by entry and told with file and line; the console starts all the same.

mod condition;
#[cfg(test)]
mod generated;
mod library;
mod print;
mod read;
mod schema;

pub(crate) use condition::Condition;
pub use library::Choice;
pub(crate) use library::{Library, Loaded, NAMES};
pub(crate) use print::{dump, explain, json, list, markdown};
pub(crate) use schema::schema;

use super::action::Action;
use super::key::KeyPress;
use std::fmt;
use std::sync::Arc;

/// Most keys of one sequence.
pub(crate) const SEQUENCE_MAX: usize = 4;

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Context {
    Global,
    Stream,
    Detail,
    Runbook,
    Help,
    Prompt,
    Confirm,
    Menu,
    Sheet,
    Inbox,
}

impl Context {
    /// Every context with its name in keymaps.
    pub(crate) const ALL: [(&str, Self); 10] = [
        ("global", Self::Global),
        ("stream", Self::Stream),
        ("detail", Self::Detail),
        ("runbook", Self::Runbook),
        ("help", Self::Help),
        ("prompt", Self::Prompt),
        ("confirm", Self::Confirm),
        ("menu", Self::Menu),
        ("sheet", Self::Sheet),
        ("inbox", Self::Inbox),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, context)| *context)
    }

    /// Returns the name, as keymaps write it.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, context)| *context == self).map_or("?", |(name, _)| name)
    }

    /// Returns whether it asks or takes words: then the keys of the panes are not looked up, and no verb begins.
    pub(crate) fn asks(self) -> bool {
        matches!(self, Self::Prompt | Self::Confirm | Self::Menu | Self::Sheet)
    }
}

/// The file and line that an entry stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) file: Arc<str>,
    pub(crate) line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What an entry does while something holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arm {
    /// `None` always holds.
    pub(crate) when: Option<Condition>,
    /// Run in order; empty unbinds what lies below.
    pub(crate) actions: Vec<Action>,
    /// The person's own words for it.
    pub(crate) desc: Option<String>,
}

/// One sequence of keys and what it does: the first arm that holds.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    pub(crate) context: Context,
    pub(crate) keys: Vec<KeyPress>,
    pub(crate) arms: Vec<Arm>,
    pub(crate) origin: Origin,
}

impl PartialEq for Binding {
    /// Two entries are the same when they do the same, wherever they stand.
    fn eq(&self, other: &Self) -> bool {
        self.context == other.context && self.keys == other.keys && self.arms == other.arms
    }
}

impl Binding {
    /// Returns the keys as people write them.
    pub(crate) fn label(&self) -> String {
        label(&self.keys)
    }

    /// Returns whether it does that, at some time.
    pub(crate) fn does(&self, action: Action) -> bool {
        self.actions().any(|one| one == action)
    }

    /// Returns all that it does at some time.
    pub(crate) fn actions(&self) -> impl Iterator<Item = Action> {
        self.arms.iter().flat_map(|arm| arm.actions.iter().copied())
    }

    /// Returns whether it only unbinds.
    pub(crate) fn is_none(&self) -> bool {
        self.actions().next().is_none()
    }

    /// Returns the arm that counts now.
    pub(crate) fn arm(&self, holds: &dyn Fn(Condition) -> bool) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.when.is_none_or(holds))
    }

    fn begins_alike(&self, other: &[KeyPress]) -> bool {
        self.keys.starts_with(other) || other.starts_with(&self.keys)
    }
}

/// Returns keys as people write them.
pub(crate) fn label(keys: &[KeyPress]) -> String {
    keys.iter().map(KeyPress::to_string).collect::<Vec<_>>().join(" ")
}

/// Something wrong in a keymap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// What a sequence of keys means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// Does this.
    Actions(Vec<Action>),
    /// May become something with another key.
    Prefix,
    /// Nothing.
    Nothing,
}

/// All bindings.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// Returns the shipped keys.
    pub(crate) fn builtin() -> Self {
        Library::shipped().load(None, None).keymap
    }

    /// Returns these keys with a file's over them, and what is wrong in the file.
    #[cfg(test)]
    pub(crate) fn overlaid(self, text: &str, file: &str) -> (Self, Vec<Problem>) {
        let loaded = Library::shipped().overlaid(self, text, file);
        (loaded.keymap, loaded.problems)
    }

    /// Returns every entry, in the order of the files.
    pub(crate) fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// Returns what these keys mean in the first of the contexts that knows them; `holds` answers conditions.
    pub(crate) fn find(&self, contexts: &[Context], keys: &[KeyPress], holds: &dyn Fn(Condition) -> bool) -> Found {
        for context in contexts {
            let mut bindings = self.bindings.iter().filter(|binding| binding.context == *context);
            let arm = bindings.clone().find(|binding| binding.keys == keys).and_then(|binding| binding.arm(holds));
            if let Some(arm) = arm {
                return Found::Actions(arm.actions.clone());
            }
            if bindings.any(|binding| binding.keys.len() > keys.len() && binding.keys.starts_with(keys)) {
                // One that is unbound may hide all that begins so.
                if !self.continuations(contexts, keys, holds).is_empty() {
                    return Found::Prefix;
                }
            }
        }
        Found::Nothing
    }

    /// Returns what may follow these keys: the keys that are missing, and what they do then. The nearest context counts.
    pub(crate) fn continuations(
        &self,
        contexts: &[Context],
        keys: &[KeyPress],
        holds: &dyn Fn(Condition) -> bool,
    ) -> Vec<(Vec<KeyPress>, &Arm)> {
        let longer = |binding: &&Binding| binding.keys.len() > keys.len() && binding.keys.starts_with(keys);
        let mut seen: Vec<&[KeyPress]> = Vec::new();
        let mut found = Vec::new();
        for context in contexts {
            for binding in self.bindings.iter().filter(|binding| binding.context == *context).filter(longer) {
                let hidden = seen.iter().any(|nearer| binding.begins_alike(nearer));
                let Some(arm) = binding.arm(holds).filter(|_| !hidden) else { continue };
                seen.push(&binding.keys);
                if !arm.actions.is_empty() {
                    found.push((binding.keys[keys.len()..].to_vec(), arm));
                }
            }
        }
        found
    }

    /// Returns the bindings of an action in one of the contexts, the first context's first; none that a nearer context hides.
    pub(crate) fn keys_of(&self, action: Action, contexts: &[Context]) -> Vec<&Binding> {
        let mut found = Vec::new();
        for (depth, context) in contexts.iter().enumerate() {
            let nearer = &contexts[..depth];
            let is_hidden = |binding: &Binding| {
                let always = |other: &Binding| other.arms.iter().any(|arm| arm.when.is_none());
                let hides = |other: &&Binding| {
                    nearer.contains(&other.context)
                        && other.begins_alike(&binding.keys)
                        && (other.keys != binding.keys || always(other))
                };
                self.bindings.iter().any(|other| hides(&other))
            };
            let of = |binding: &&Binding| binding.context == *context && binding.does(action) && !is_hidden(binding);
            found.extend(self.bindings.iter().filter(of));
        }
        found
    }

    fn put(&mut self, binding: Binding) {
        // A shorter or longer sequence that begins alike could never be told from this one: the later file wins.
        self.bindings.retain(|old| old.context != binding.context || !old.begins_alike(&binding.keys));
        self.bindings.push(binding);
    }

    /// Keeps what nobody could leave without: the prompts' keys, and those of every pane.
    fn essentials(mut self) -> Self {
        self.bindings.retain(|binding| binding.context == Context::Global || binding.context.asks());
        self
    }
}

#[cfg(test)]
mod tests;
