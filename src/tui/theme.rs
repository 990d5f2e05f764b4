//! What each role looks like. The only file that names a colour.

use crate::domain::incident::Shown;
use crate::domain::severity::Severity;
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;

macro_rules! roles {
    ($($variant:ident, $name:literal;)*) => {
        /// What a piece of the screen means.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Role { $(#[doc = $name] $variant,)* }

        impl Role {
            /// Every role.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name, as themes write it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

roles! {
    Text, "text";
    Dim, "dim";
    Border, "border";
    BorderFocus, "border.focus";
    Title, "title";
    Header, "header";
    Footer, "footer";
    FooterKey, "footer.key";
    Cursor, "cursor";
    CursorUnfocused, "cursor.unfocused";
    SeverityWorst, "sev.worst";
    SeverityHigh, "sev.high";
    SeverityMedium, "sev.medium";
    SeverityLow, "sev.low";
    SeverityUnexamined, "sev.unexamined";
    StateNew, "state.new";
    StateAck, "state.ack";
    StatePending, "state.pending";
    StateRecovering, "state.recovering";
    StateUnknown, "state.unknown";
    StateResolved, "state.resolved";
    StateOverdue, "state.overdue";
    Live, "sync.live";
    Connecting, "sync.connecting";
    Stale, "sync.stale";
    Offline, "sync.offline";
    Demo, "sync.demo";
    Unsent, "sync.unsent";
    BannerAlarm, "banner.alarm";
    BannerProblem, "banner.problem";
    BannerNote, "banner.note";
    ToastInfo, "toast.info";
    ToastWarn, "toast.warn";
    Prompt, "prompt";
    PromptDanger, "prompt.danger";
    PromptCursor, "prompt.cursor";
    FilterHides, "filter.hides";
    ChartLine, "chart.line";
    ChartLimit, "chart.limit";
    ChartGap, "chart.gap";
    ChartAxis, "chart.axis";
    StripFiring, "strip.firing";
    StripResolved, "strip.resolved";
    StripUnknown, "strip.unknown";
    StripPending, "strip.pending";
    Me, "me";
    Other, "other";
}

impl Role {
    /// Returns the role of a severity: S1, S2-S3, S4-S6, S7-S9, unexamined.
    pub(crate) fn severity(severity: Option<Severity>) -> Self {
        match severity.map(Severity::number) {
            None => Self::SeverityUnexamined,
            Some(1) => Self::SeverityWorst,
            Some(2..=3) => Self::SeverityHigh,
            Some(4..=6) => Self::SeverityMedium,
            Some(_) => Self::SeverityLow,
        }
    }

    /// Returns the role of a state.
    pub(crate) fn shown(shown: Shown) -> Self {
        match shown {
            Shown::New => Self::StateNew,
            Shown::Acked | Shown::Snoozed | Shown::Waiting => Self::StateAck,
            Shown::Recovering => Self::StateRecovering,
            Shown::Unknown => Self::StateUnknown,
            Shown::Resolved => Self::StateResolved,
        }
    }
}

/// The style of every role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Theme {
    styles: Vec<Style>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTheme {
    #[expect(dead_code, reason = "read so that a theme must say it")]
    schema: u8,
    #[expect(dead_code, reason = "read so that a theme must say it")]
    name: String,
    #[expect(dead_code, reason = "read so that a theme must say it")]
    kind: String,
    roles: BTreeMap<String, RawStyle>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawStyle {
    fg: Option<RawColor>,
    bg: Option<RawColor>,
    #[serde(default)]
    mods: Vec<Mod>,
}

/// A colour by its name or as `#rrggbb`.
#[derive(Deserialize, Clone, Copy)]
#[serde(try_from = "String")]
struct RawColor(Color);

impl TryFrom<String> for RawColor {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| format!("{name:?} is not a colour"))
    }
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Mod {
    Bold,
    Dim,
    Italic,
    Underline,
    Reverse,
}

impl Mod {
    fn modifier(self) -> Modifier {
        match self {
            Self::Bold => Modifier::BOLD,
            Self::Dim => Modifier::DIM,
            Self::Italic => Modifier::ITALIC,
            Self::Underline => Modifier::UNDERLINED,
            Self::Reverse => Modifier::REVERSED,
        }
    }
}

impl RawStyle {
    fn style(&self) -> Style {
        let mut style = Style::new();
        style.fg = self.fg.map(|color| color.0);
        style.bg = self.bg.map(|color| color.0);
        self.mods.iter().fold(style, |style, modifier| style.add_modifier(modifier.modifier()))
    }
}

impl Theme {
    /// Returns the terminal's own 16 colours.
    pub(crate) fn base16() -> Self {
        Self::read(include_str!("../../themes/base16.toml")).expect("the shipped theme is read by a test")
    }

    /// Returns the theme without colour.
    pub(crate) fn mono() -> Self {
        Self::read(include_str!("../../themes/mono.toml")).expect("the shipped theme is read by a test")
    }

    /// Returns the theme for a terminal: without colour when it has none, or when `NO_COLOR` is set.
    pub(crate) fn for_terminal(no_color: bool, term: &str) -> Self {
        if no_color || term == "dumb" { Self::mono() } else { Self::base16() }
    }

    fn read(text: &str) -> Result<Self, toml::de::Error> {
        let raw: RawTheme = toml::from_str(text)?;
        let style = |role: &Role| raw.roles.get(role.name()).map(RawStyle::style).unwrap_or_default();
        Ok(Self { styles: Role::ALL.iter().map(style).collect() })
    }

    /// Returns the style of a role.
    pub(crate) fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }
}

#[cfg(test)]
impl Theme {
    /// Returns a theme by which a test reads back from a cell which role drew it: its place among all roles, as a colour. What is laid over a
    /// row colours the ground, so that both can be read.
    pub(crate) fn probe() -> Self {
        let style = |role: &Role| match role {
            Role::Cursor | Role::CursorUnfocused => Style::new().bg(Color::Indexed(*role as u8)),
            _ => Style::new().fg(Color::Indexed(*role as u8)),
        };
        Self { styles: Role::ALL.iter().map(style).collect() }
    }

    /// Returns the role that a probe's colour names.
    pub(crate) fn probed(color: Color) -> Option<Role> {
        match color {
            Color::Indexed(place) => Role::ALL.get(usize::from(place)).copied(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles_of(text: &str) -> Vec<String> {
        toml::from_str::<RawTheme>(text).unwrap().roles.into_keys().collect()
    }

    #[test]
    fn every_theme_styles_every_role_and_no_other() {
        let mut names: Vec<String> = Role::ALL.iter().map(|role| role.name().to_owned()).collect();
        names.sort();
        assert_eq!(roles_of(include_str!("../../themes/base16.toml")), names);
        assert_eq!(roles_of(include_str!("../../themes/mono.toml")), names);
    }

    #[test]
    fn mono_has_no_colour_and_still_marks_what_matters() {
        let mono = Theme::mono();
        assert!(mono.styles.iter().all(|style| style.fg.is_none() && style.bg.is_none()));
        for role in [Role::Offline, Role::Stale, Role::BannerAlarm, Role::ToastWarn, Role::Cursor, Role::FilterHides] {
            assert!(mono.style(role).add_modifier.contains(Modifier::REVERSED), "{}", role.name());
        }
        assert_ne!(mono.style(Role::StatePending), mono.style(Role::StateAck));
    }

    #[test]
    fn no_color_and_a_dumb_terminal_get_mono() {
        assert_eq!(Theme::for_terminal(true, "xterm"), Theme::mono());
        assert_eq!(Theme::for_terminal(false, "dumb"), Theme::mono());
        assert_eq!(Theme::for_terminal(false, "xterm"), Theme::base16());
    }
}
