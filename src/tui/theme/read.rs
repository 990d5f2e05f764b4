//! Reads one theme file into what it says, without what it inherits.

use super::Role;
use crate::tui::keymap::Problem;
use crate::tui::nearest::did_you_mean;
use ratatui::style::{Color, Modifier};
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The least and the greatest contrast that a theme may ask for.
const CONTRAST: std::ops::RangeInclusive<f64> = 1.0..=21.0;
/// Modifiers by name. Blinking is none of them: nobody can look away from it.
const MODS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];

/// A colour as written, and in which line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ink {
    pub(super) word: String,
    pub(super) line: usize,
}

/// A style as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct RawStyle {
    pub(super) fg: Option<Ink>,
    pub(super) bg: Option<Ink>,
    pub(super) mods: Modifier,
}

/// Styles of roles as written.
pub(super) type Styles = BTreeMap<usize, RawStyle>;

/// What one file says.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    pub(super) file: String,
    /// The theme it is laid over, and the line that says so.
    pub(super) inherits: Option<(String, usize)>,
    pub(super) contrast: Option<f64>,
    pub(super) palette: BTreeMap<String, Color>,
    pub(super) roles: Styles,
    /// Instead of the nearest of the terminal's sixteen colours.
    pub(super) ansi: Styles,
    /// Without colour.
    pub(super) mono: Styles,
}

/// Returns what a file says.
///
/// # Errors
/// All that is wrong in it, in its order.
pub(super) fn read(text: &str, file: &str) -> Result<Layer, Vec<Problem>> {
    let layer = Layer { file: file.to_owned(), ..Layer::default() };
    let mut reader = Reader { text, layer, problems: Vec::new() };
    match DeTable::parse(text) {
        Ok(table) => reader.table(table.get_ref()),
        Err(error) => reader.problem(error.span().unwrap_or_default(), error.message().to_owned()),
    }
    reader.problems.sort_by_key(|problem| problem.line);
    if reader.problems.is_empty() { Ok(reader.layer) } else { Err(reader.problems) }
}

/// Returns the colour that a word names without any palette: `red`, `#rrggbb`, a number up to 255.
pub(super) fn color(word: &str) -> Option<Color> {
    word.parse().ok()
}

struct Reader<'a> {
    text: &'a str,
    layer: Layer,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or_default();
        before.bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    fn problem(&mut self, span: Range<usize>, text: String) {
        let line = self.line(&span);
        self.problems.push(Problem { file: self.layer.file.clone(), line, text });
    }

    fn table(&mut self, table: &DeTable<'_>) {
        const KNOWN: [&str; 8] = ["schema", "name", "inherits", "kind", "contrast", "palette", "roles", "fallback"];
        for (name, value) in table.iter() {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("schema", DeValue::Integer(number)) if number.as_str() == "1" => {}
                ("schema", _) => self.problem(value.span(), "unknown schema: this program reads schema 1".into()),
                ("name", DeValue::String(_)) => {}
                ("inherits", DeValue::String(base)) => {
                    self.layer.inherits = Some((base.to_string(), self.line(&value.span())));
                }
                ("kind", DeValue::String(kind)) => self.kind(kind, value.span()),
                ("contrast", DeValue::Float(number)) => self.contrast(number.as_str(), value.span()),
                ("contrast", DeValue::Integer(number)) => self.contrast(number.as_str(), value.span()),
                ("palette", DeValue::Table(colors)) => self.palette(colors),
                ("roles", DeValue::Table(roles)) => self.layer.roles = self.styles(roles),
                ("fallback", DeValue::Table(tables)) => self.fallback(tables),
                (known, _) if KNOWN.contains(&known) => {
                    self.problem(value.span(), format!("{known} is written otherwise; see themes/dark.toml"));
                }
                (other, _) => {
                    self.problem(name.span(), format!("unknown setting {other:?}{}", did_you_mean(other, KNOWN)));
                }
            }
        }
    }

    fn kind(&mut self, kind: &str, span: Range<usize>) {
        const KINDS: [&str; 3] = ["dark", "light", "any"];
        if !KINDS.contains(&kind) {
            self.problem(span, format!("kind is dark, light or any, not {kind:?}"));
        }
    }

    fn contrast(&mut self, number: &str, span: Range<usize>) {
        match number.parse::<f64>().ok().filter(|number| CONTRAST.contains(number)) {
            Some(number) => self.layer.contrast = Some(number),
            None => self.problem(span, "contrast is a number from 1 to 21".into()),
        }
    }

    fn palette(&mut self, colors: &DeTable<'_>) {
        for (name, value) in colors.iter() {
            let word = match value.get_ref() {
                DeValue::String(word) => word.as_ref(),
                _ => "",
            };
            match color(word) {
                Some(color) => {
                    self.layer.palette.insert(name.get_ref().to_string(), color);
                }
                None => self.problem(
                    value.span(),
                    format!("{:?} of the palette is \"#rrggbb\" or one of the terminal's colours", name.get_ref()),
                ),
            }
        }
    }

    fn fallback(&mut self, tables: &DeTable<'_>) {
        for (name, value) in tables.iter() {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("mono", DeValue::Table(roles)) => self.layer.mono = self.styles(roles),
                ("16", DeValue::Table(roles)) => self.layer.ansi = self.styles(roles),
                (other, _) => self.problem(
                    name.span(),
                    format!("unknown fallback {other:?}: [fallback.mono] and [fallback.16] are read"),
                ),
            }
        }
    }

    fn styles(&mut self, roles: &DeTable<'_>) -> Styles {
        let mut styles = Styles::new();
        for (name, value) in roles.iter() {
            let word = name.get_ref().as_ref();
            let Some(role) = Role::ALL.iter().find(|role| role.name() == word) else {
                let hint = did_you_mean(word, Role::ALL.iter().map(|role| role.name()));
                self.problem(name.span(), format!("unknown role {word:?}{hint}"));
                continue;
            };
            match value.get_ref() {
                DeValue::Table(style) => {
                    let style = self.style(style);
                    styles.insert(*role as usize, style);
                }
                _ => {
                    self.problem(value.span(), "a style is { fg = \"red\", bg = \"black\", mods = [\"bold\"] }".into())
                }
            }
        }
        styles
    }

    fn style(&mut self, table: &DeTable<'_>) -> RawStyle {
        let mut style = RawStyle::default();
        for (name, value) in table.iter() {
            match (name.get_ref().as_ref(), value.get_ref()) {
                ("fg", DeValue::String(word)) => style.fg = Some(self.ink(word, value)),
                ("bg", DeValue::String(word)) => style.bg = Some(self.ink(word, value)),
                ("mods", DeValue::Array(mods)) => {
                    for word in mods.iter() {
                        style.mods |= self.modifier(word);
                    }
                }
                (known @ ("fg" | "bg" | "mods"), _) => {
                    self.problem(value.span(), format!("{known} is written as in fg = \"red\", mods = [\"bold\"]"));
                }
                (other, _) => {
                    let hint = did_you_mean(other, ["fg", "bg", "mods"]);
                    self.problem(name.span(), format!("unknown part of a style {other:?}{hint}"));
                }
            }
        }
        style
    }

    fn ink(&self, word: &str, value: &Spanned<DeValue<'_>>) -> Ink {
        Ink { word: word.to_owned(), line: self.line(&value.span()) }
    }

    fn modifier(&mut self, value: &Spanned<DeValue<'_>>) -> Modifier {
        let DeValue::String(word) = value.get_ref() else {
            self.problem(value.span(), "a modifier is a word such as \"bold\"".into());
            return Modifier::empty();
        };
        match MODS.iter().find(|(name, _)| name == word) {
            Some((_, modifier)) => *modifier,
            None => {
                let hint = did_you_mean(word, MODS.iter().map(|(name, _)| *name));
                self.problem(value.span(), format!("unknown modifier {word:?}{hint}"));
                Modifier::empty()
            }
        }
    }
}
