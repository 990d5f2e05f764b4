//! What each role looks like. Nothing outside of this module names a colour.

use crate::domain::incident::Shown;
use crate::domain::severity::Severity;
use ratatui::style::{Color, Modifier, Style};
use std::collections::BTreeMap;

mod color;
mod depth;
mod library;
mod lint;
mod read;

pub(crate) use depth::{Depth, is_ascii};
pub(crate) use library::{DEFAULT, Library, Loaded, Wanted};

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
    DocCode, "doc.code";
    DocLink, "doc.link";
    DiffAdded, "diff.added";
    DiffRemoved, "diff.removed";
    Me, "me";
    Other, "other";
    Surface, "surface";
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

/// The style of every role, and how much contrast they keep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Theme {
    styles: Vec<Style>,
    least: f64,
}

impl Theme {
    /// Returns the shipped default in all its colours: the terminal's own sixteen.
    #[cfg(test)]
    pub(crate) fn base16() -> Self {
        Self::shipped(DEFAULT, Depth::True)
    }

    /// Returns a shipped theme.
    ///
    /// # Panics
    /// When there is none of that name: those that are shipped are read by a test.
    pub(crate) fn shipped(name: &str, depth: Depth) -> Self {
        let loaded = Library::default().load(&Wanted::by(name, "", 0), false, depth);
        loaded.theme.expect("the shipped themes are read by a test")
    }

    /// Returns the style of a role.
    pub(crate) fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// Returns a style with the cursor's laid over it: what has a ground of its own keeps it, and ink stays readable.
    pub(crate) fn under(&self, below: Style, cursor: Role) -> Style {
        let over = self.style(cursor);
        let own = below.bg.filter(|bg| Some(*bg) != self.style(Role::Surface).bg && *bg != Color::Reset);
        let Some(ground) = over.bg.filter(|_| own.is_none()) else {
            // Reversed twice would be not at all: it stays reversed.
            return below.add_modifier(over.add_modifier);
        };
        if below.add_modifier.contains(Modifier::REVERSED) {
            // Its ink is its ground.
            return below.add_modifier(over.add_modifier);
        }
        let ink = over.fg.or(below.fg).or(self.style(Role::Surface).fg);
        let style = below.bg(ground).add_modifier(over.add_modifier);
        Style { fg: color::ink_on(ink, ground, self.least), ..style }
    }

    fn colourless(mut self) -> Self {
        self.styles.iter_mut().for_each(|style| (style.fg, style.bg) = (None, None));
        self
    }

    /// Returns the same in the nearest colours of a terminal that has fewer, but for those roles that say what they are there.
    fn with_fewer(&self, depth: Depth, said: &BTreeMap<usize, Style>) -> Self {
        let few = if depth == Depth::Ansi { color::Few::Ansi } else { color::Few::Indexed };
        let of = |role: usize| said.get(&role).copied().unwrap_or(self.styles[role]);
        // A ground on which its ink can still be read.
        let ground_of = |style: Style| style.bg.map(|bg| color::nearest(bg, few, color::ground(style.fg), self.least));
        let surface = ground_of(of(Role::Surface as usize));
        let convert = |role: usize| {
            let mut style = of(role);
            style.bg = ground_of(style);
            let under = color::ground(style.bg.or(surface));
            style.fg = style.fg.map(|fg| color::nearest(fg, few, under, self.least));
            if role == Role::Cursor as usize && style.bg.is_some() && style.bg == surface {
                // The ground of the line became that of the screen.
                style = Style::new().add_modifier(Modifier::REVERSED);
            }
            style
        };
        Self { styles: (0..self.styles.len()).map(convert).collect(), least: self.least }
    }
}

#[cfg(test)]
impl Theme {
    /// Returns a theme by which a test reads back from a cell which role drew it: its place among all roles, as a colour. What is laid over a
    /// row colours the ground, so that both can be read.
    pub(crate) fn probe() -> Self {
        let style = |role: &Role| match role {
            Role::Cursor | Role::CursorUnfocused => Style::new().bg(Color::Indexed(*role as u8)),
            Role::Surface => Style::new(),
            _ => Style::new().fg(Color::Indexed(*role as u8)),
        };
        Self { styles: Role::ALL.iter().map(style).collect(), least: 0.0 }
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

    #[test]
    fn mono_has_no_colour_and_still_marks_what_matters() {
        for mono in [Theme::shipped("mono", Depth::True), Theme::shipped("dark", Depth::None)] {
            assert!(mono.styles.iter().all(|style| style.fg.is_none() && style.bg.is_none()));
            for role in
                [Role::Offline, Role::Stale, Role::BannerAlarm, Role::ToastWarn, Role::Cursor, Role::FilterHides]
            {
                assert!(mono.style(role).add_modifier.contains(Modifier::REVERSED), "{}", role.name());
            }
            assert_ne!(mono.style(Role::StatePending), mono.style(Role::StateAck));
        }
    }

    #[test]
    fn no_role_blinks_or_is_hidden() {
        for name in Library::default().names() {
            let theme = Theme::shipped(&name, Depth::True);
            let never = Modifier::SLOW_BLINK | Modifier::RAPID_BLINK | Modifier::HIDDEN;
            assert!(theme.styles.iter().all(|style| !style.add_modifier.intersects(never)), "{name}");
        }
    }
}
