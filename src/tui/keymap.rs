//! Which key does what: the shipped file, and a person's own over it.
//!
//! What is wrong in a person's file is dropped entry by entry and told with file and line; the console starts all the same.

use super::action::Action;
use super::key::{self, KeyPress};
use super::nearest::did_you_mean;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where a key is pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Global,
    Stream,
    Detail,
    Help,
    Prompt,
    Confirm,
    Menu,
    Sheet,
    Inbox,
}

impl Context {
    /// Every context with its name in keymaps.
    const ALL: [(&str, Self); 9] = [
        ("global", Self::Global),
        ("stream", Self::Stream),
        ("detail", Self::Detail),
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
}

/// One sequence of keys and what it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Binding {
    pub(crate) context: Context,
    pub(crate) keys: Vec<KeyPress>,
    /// Run in order; empty unbinds what lies below.
    pub(crate) actions: Vec<Action>,
}

impl Binding {
    /// Returns the keys as people write them.
    pub(crate) fn label(&self) -> String {
        self.keys.iter().map(KeyPress::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// Something wrong in a keymap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    file: String,
    line: usize,
    text: String,
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
        Self::default().overlaid(include_str!("../../keymaps/default.toml"), "keymaps/default.toml").0
    }

    /// Returns the shipped keys with a person's file over them, and what is wrong in it. A file that does not exist is no problem.
    pub(crate) fn load(path: Option<&Path>) -> (Self, Vec<Problem>) {
        let Some(path) = path else { return (Self::builtin(), Vec::new()) };
        let file =
            path.file_name().map_or_else(|| "keymap.toml".to_owned(), |name| name.to_string_lossy().into_owned());
        match std::fs::read_to_string(path) {
            Ok(text) => Self::builtin().overlaid(&text, &file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (Self::builtin(), Vec::new()),
            Err(error) => (Self::builtin(), vec![Problem { file, line: 1, text: format!("cannot be read: {error}") }]),
        }
    }

    /// Returns these keys with a file's over them, and what is wrong in the file.
    pub(crate) fn overlaid(self, text: &str, file: &str) -> (Self, Vec<Problem>) {
        let mut reader = Reader { text, file, keymap: self, added: Vec::new(), problems: Vec::new() };
        match DeTable::parse(text) {
            Ok(table) => reader.table(table.get_ref()),
            Err(error) => reader.problem(error.span().unwrap_or_default(), error.message().to_owned()),
        }
        reader.finish()
    }

    /// Returns what these keys mean in the first of the contexts that knows them.
    pub(crate) fn find(&self, contexts: &[Context], keys: &[KeyPress]) -> Found {
        for context in contexts {
            let mut bindings = self.bindings.iter().filter(|binding| binding.context == *context);
            if let Some(binding) = bindings.clone().find(|binding| binding.keys == keys) {
                return Found::Actions(binding.actions.clone());
            }
            if bindings.any(|binding| binding.keys.starts_with(keys)) {
                return Found::Prefix;
            }
        }
        Found::Nothing
    }

    /// Returns the bindings of an action in one of the contexts, the first context's first.
    pub(crate) fn keys_of(&self, action: Action, contexts: &[Context]) -> Vec<&Binding> {
        let of = |context: &Context| {
            let context = *context;
            self.bindings.iter().filter(move |binding| binding.context == context && binding.actions.contains(&action))
        };
        contexts.iter().flat_map(of).collect()
    }

    fn put(&mut self, binding: Binding) {
        // A shorter or longer sequence that begins alike could never be told from this one: the later file wins.
        let clashes = |old: &Binding| {
            old.context == binding.context
                && (old.keys.starts_with(&binding.keys) || binding.keys.starts_with(&old.keys))
        };
        self.bindings.retain(|old| !clashes(old));
        self.bindings.push(binding);
    }
}

/// Reads one file, entry by entry.
struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    keymap: Keymap,
    added: Vec<(Range<usize>, Binding)>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, span: Range<usize>, text: String) {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        self.problems.push(Problem { file: self.file.to_owned(), line, text });
    }

    fn table(&mut self, table: &DeTable<'_>) {
        for (name, value) in table.iter() {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("schema", DeValue::Integer(number)) if number.as_str() == "1" => {}
                ("schema", _) => self.problem(value.span(), "unknown schema: this program reads schema 1".into()),
                ("name", DeValue::String(_)) => {}
                ("extends", DeValue::String(base)) => self.extends(base, value.span()),
                (name, DeValue::Table(entries)) => self.context(name, value.span(), entries),
                (other, _) => self.problem(name.span(), format!("unknown setting {other:?}")),
            }
        }
    }

    fn extends(&mut self, base: &str, span: Range<usize>) {
        match base {
            "default" => {}
            // Without the prompts' keys and the way to the command line nobody could leave.
            "none" => self.keymap.bindings.retain(|binding| {
                matches!(
                    binding.context,
                    Context::Global | Context::Prompt | Context::Confirm | Context::Menu | Context::Sheet
                )
            }),
            other => {
                self.problem(span, format!("unknown keymap {other:?}{}", did_you_mean(other, ["default", "none"])))
            }
        }
    }

    fn context(&mut self, name: &str, span: Range<usize>, entries: &DeTable<'_>) {
        let Some(context) = Context::parse(name) else {
            let hint = did_you_mean(name, Context::ALL.iter().map(|(name, _)| *name));
            return self.problem(span, format!("unknown context {name:?}{hint}"));
        };
        for (keys, value) in entries.iter() {
            let Some(sequence) = KeyPress::parse_sequence(keys.get_ref()) else {
                let last = keys.get_ref().rsplit(['-', ' ']).next().unwrap_or_default();
                let text = format!("unknown key {:?}{}", keys.get_ref(), did_you_mean(last, key::names()));
                self.problem(keys.span(), text);
                continue;
            };
            if let Some(actions) = self.actions(value) {
                self.bind(keys.span(), Binding { context, keys: sequence, actions });
            }
        }
    }

    /// Takes a binding, unless Enter would act on an incident: the key that opens must never act, whatever a file says.
    fn bind(&mut self, span: Range<usize>, binding: Binding) {
        let enter = KeyPress::parse("enter");
        if binding.keys.last().copied() == enter && binding.actions.iter().any(|action| action.reaches_others()) {
            return self.problem(span, "enter never acts on an incident; choose another key".into());
        }
        self.added.push((span, binding));
    }

    fn actions(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<Action>> {
        match value.get_ref() {
            DeValue::String(name) if name == "none" => Some(Vec::new()),
            DeValue::String(name) => self.action(name, value.span()).map(|action| vec![action]),
            DeValue::Array(names) => names.iter().map(|name| self.one(name)).collect(),
            DeValue::Table(table) => self.described(table, value.span()),
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

    fn described(&mut self, table: &DeTable<'_>, span: Range<usize>) -> Option<Vec<Action>> {
        for (name, _) in table.iter() {
            if !["action", "desc"].contains(&name.get_ref().as_ref()) {
                self.problem(
                    name.span(),
                    format!("unknown setting {:?}: only action and desc are read", name.get_ref()),
                );
                return None;
            }
        }
        match table.get("action") {
            Some(value) => self.one(value).map(|action| vec![action]),
            None => {
                self.problem(span, "the action is missing".into());
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
    fn finish(mut self) -> (Keymap, Vec<Problem>) {
        // The file's own order: the first key of an action is the one that footers name.
        self.added.sort_by_key(|(span, _)| span.start);
        for (span, binding) in std::mem::take(&mut self.added) {
            let (mine, label) = (binding.keys.clone(), binding.label());
            let alike = |old: &&Binding| {
                old.context == binding.context
                    && old.keys != mine
                    && (old.keys.starts_with(&mine) || mine.starts_with(&old.keys))
            };
            let old = self.keymap.bindings.iter().find(alike).map(Binding::label);
            if let Some(old) = old.filter(|old| self.text.contains(&format!("\"{old}\""))) {
                self.problem(span, format!("{label:?} and {old:?} begin alike; the later one is kept"));
            }
            self.keymap.put(binding);
        }
        self.problems.sort_by_key(|problem| problem.line);
        (self.keymap, self.problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let (_, problems) = Keymap::builtin().overlaid(text, "keymap.toml");
        assert_eq!(problems.iter().map(Problem::to_string).collect::<Vec<_>>(), expect);
    }

    fn find(keymap: &Keymap, keys: &str) -> Found {
        keymap.find(&[Context::Stream, Context::Global], &KeyPress::parse_sequence(keys).unwrap())
    }

    #[test]
    fn the_shipped_keys_have_no_problem() {
        let (keymap, problems) =
            Keymap::default().overlaid(include_str!("../../keymaps/default.toml"), "keymaps/default.toml");
        assert_eq!(problems, []);
        assert_eq!(keymap.bindings.len(), include_str!("../../keymaps/default.toml").matches("\n\"").count());
    }

    #[test]
    fn a_sequence_is_found_key_by_key() {
        let keymap = Keymap::builtin();
        assert_eq!(find(&keymap, "g"), Found::Prefix);
        assert_eq!(find(&keymap, "g g"), Found::Actions(vec![Action::CursorTop]));
        assert_eq!(find(&keymap, "g a"), Found::Nothing);
    }

    #[test]
    fn an_unknown_action_says_file_line_and_what_was_meant() {
        check(
            "schema = 1\n\n[stream]\n\"x\" = \"incident.akc\"\n",
            &[r#"keymap.toml:4: unknown action "incident.akc", did you mean "incident.ack"?"#],
        );
    }

    #[test]
    fn an_unknown_context_key_or_setting_says_so_too() {
        check(
            "[steam]\n\"x\" = \"incident.ack\"\n",
            &[r#"keymap.toml:1: unknown context "steam", did you mean "stream"?"#],
        );
        check(
            "[stream]\n\"ctrl-entr\" = \"help.open\"\n",
            &[r#"keymap.toml:2: unknown key "ctrl-entr", did you mean "enter"?"#],
        );
        check("schem = 1\n", &[r#"keymap.toml:1: unknown setting "schem""#]);
        check("extends = \"defualt\"\n", &[r#"keymap.toml:1: unknown keymap "defualt", did you mean "default"?"#]);
    }

    #[test]
    fn a_file_that_is_no_toml_leaves_the_shipped_keys() {
        let (keymap, problems) = Keymap::builtin().overlaid("[stream]\nx x\n", "keymap.toml");
        assert_eq!(keymap, Keymap::builtin());
        assert!(problems[0].to_string().starts_with("keymap.toml:2: "), "{}", problems[0]);
    }

    #[test]
    fn a_good_entry_beside_a_bad_one_holds() {
        let text = "[stream]\n\"x\" = \"incident.ack\"\n\"z\" = \"nonsense\"\n\"a\" = \"none\"\n\"g\" = [\"cursor.top\", \"detail.open\"]";
        let (keymap, problems) = Keymap::builtin().overlaid(text, "keymap.toml");
        assert_eq!(problems.len(), 1);
        assert_eq!(find(&keymap, "x"), Found::Actions(vec![Action::IncidentAck]));
        assert_eq!(find(&keymap, "a"), Found::Actions(vec![]));
        assert_eq!(find(&keymap, "g"), Found::Actions(vec![Action::CursorTop, Action::DetailOpen]));
        assert_eq!(find(&keymap, "j"), Found::Actions(vec![Action::CursorDown]));
    }

    #[test]
    fn enter_cannot_be_made_to_act() {
        check(
            "[stream]\n\"enter\" = \"incident.ack\"\n",
            &["keymap.toml:2: enter never acts on an incident; choose another key"],
        );
        check(
            "[confirm]\n\"enter\" = { action = \"confirm.yes\" }\n",
            &["keymap.toml:2: enter never acts on an incident; choose another key"],
        );
    }

    #[test]
    fn two_entries_that_begin_alike_are_told() {
        check(
            "[stream]\n\"x\" = \"incident.ack\"\n\"x x\" = \"help.open\"\n",
            &[r#"keymap.toml:3: "x x" and "x" begin alike; the later one is kept"#],
        );
    }
}
