//! What cannot be read in a theme: contrast of every role, by itself and under the cursor.

use super::{Role, Theme, color};
use ratatui::style::{Modifier, Style};

/// Roles that are laid over others or under them, and draw no letter themselves.
const LAID: [Role; 2] = [Role::Cursor, Role::CursorUnfocused];

impl Theme {
    /// Returns what cannot be read well enough. Colours that the terminal alone knows are taken to be chosen well.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for role in Role::ALL.iter().filter(|role| !LAID.contains(role)) {
            let style = self.style(*role);
            faults.extend(self.fault(role.name(), style));
            for cursor in LAID {
                let name = format!("{} under {}", role.name(), cursor.name());
                faults.extend(self.fault(&name, self.under(style, cursor)));
            }
        }
        faults
    }

    /// Returns a complaint about the pair that this style makes on the screen, where it is too faint.
    fn fault(&self, name: &str, style: Style) -> Option<String> {
        let surface = self.style(Role::Surface);
        let pair = (style.fg.or(surface.fg), style.bg.or(surface.bg));
        let (Some(ink), Some(ground)) = (pair.0.and_then(color::rgb), pair.1.and_then(color::rgb)) else {
            return None;
        };
        let contrast = color::contrast(ink, ground);
        if contrast < self.least {
            return Some(format!("{name}: contrast {contrast:.1}:1, less than {}:1", self.least));
        }
        // How far terminals dim is their own affair: it must not be what is left of the contrast.
        let dimmed = style.add_modifier.contains(Modifier::DIM);
        dimmed.then(|| format!("{name}: dimmed on a ground of its own; give it a colour"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Depth, Library, Wanted};
    use super::*;
    use crate::domain::severity::Severity;
    use ratatui::style::Color;
    use std::collections::BTreeSet;

    /// How far apart colours must be that mean different things, where black and white are 1; what can just be told apart is about 0.02.
    const APART: f64 = 0.10;

    const SEVERITIES: [Role; 5] =
        [Role::SeverityWorst, Role::SeverityHigh, Role::SeverityMedium, Role::SeverityLow, Role::SeverityUnexamined];
    const STATES: [Role; 7] = [
        Role::StateNew,
        Role::StateAck,
        Role::StatePending,
        Role::StateRecovering,
        Role::StateUnknown,
        Role::StateResolved,
        Role::StateOverdue,
    ];

    /// What eyes without one kind of cones see of red, green and blue light (Machado, Oliveira and Fernandes 2009, severity 1).
    type Eyes = [[f64; 3]; 3];
    const PROTANOPIA: Eyes =
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]];
    const DEUTERANOPIA: Eyes =
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]];
    const TRITANOPIA: Eyes =
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]];
    const ALL_CONES: Eyes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

    fn seen(color: Color, eyes: Eyes) -> [f64; 3] {
        let light = color::linear(color::rgb(color).expect("a colour of the theme's own"));
        let mix = |row: [f64; 3]| row.iter().zip(light).map(|(part, light)| part * light).sum::<f64>().clamp(0.0, 1.0);
        color::oklab(eyes.map(mix))
    }

    fn closest(theme: &Theme, roles: &[Role], eyes: Eyes) -> (f64, String) {
        let pairs = roles.iter().enumerate().flat_map(|(place, a)| roles[place + 1..].iter().map(move |b| (a, b)));
        let measured = pairs.map(|(a, b)| {
            let of = |role: &Role| seen(theme.style(*role).fg.expect("a colour"), eyes);
            (color::distance(of(a), of(b)), format!("{} and {}", a.name(), b.name()))
        });
        measured.min_by(|a, b| a.0.total_cmp(&b.0)).expect("more than one role")
    }

    #[test]
    fn every_shipped_theme_can_be_read_at_every_depth() {
        for name in Library::default().names() {
            for depth in [Depth::True, Depth::Indexed] {
                let faults = Theme::shipped(&name, depth).faults();
                assert!(faults.is_empty(), "{name} at {depth:?}: {faults:#?}");
            }
        }
    }

    #[test]
    fn themes_with_a_ground_colour_every_letter_themselves() {
        for name in Library::default().names().iter().filter(|name| !["base16", "mono"].contains(&name.as_str())) {
            for depth in [Depth::True, Depth::Indexed] {
                let theme = Theme::shipped(name, depth);
                let own = |color: Option<Color>| color.is_none_or(|color| color::rgb(color).is_some());
                for role in Role::ALL {
                    let style = theme.style(*role);
                    assert!(own(style.fg) && own(style.bg), "{name}: {} is the terminal's own colour", role.name());
                }
                let surface = theme.style(Role::Surface);
                assert!(surface.fg.is_some() && surface.bg.is_some(), "{name} leaves the ground to the terminal");
            }
            let least = if name.starts_with("contrast") { 7.0 } else { 4.5 };
            assert_eq!(Theme::shipped(name, Depth::True).least, least, "{name}");
        }
    }

    #[test]
    fn the_lint_finds_what_is_faint() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("theme.toml"), "[roles]\n\"me\" = { fg = \"#333333\" }\n").unwrap();
        let library = Library { dir: Some(dir.path().to_owned()) };
        let theme = library.load(&Wanted::by("dark", "", 0), false, Depth::True).theme.unwrap();
        let faults = theme.faults();
        assert!(faults[0].starts_with("me: contrast 1.") && faults[0].ends_with("less than 4.5:1"), "{faults:?}");
    }

    #[test]
    fn severities_and_states_are_told_apart_without_colour() {
        let words: BTreeSet<String> = (1..=9)
            .map(|number| Severity::new(number).ok())
            .chain([None])
            .map(crate::tui::view::severity_word)
            .collect();
        assert_eq!(words.len(), 10, "{words:?}");
        use crate::domain::incident::Shown;
        let all = [Shown::New, Shown::Acked, Shown::Snoozed, Shown::Waiting, Shown::Recovering, Shown::Unknown];
        let states: BTreeSet<&str> =
            all.into_iter().chain([Shown::Resolved]).map(crate::tui::view::state_word).collect();
        assert_eq!(states.len(), 7, "{states:?}");
    }

    #[test]
    fn two_themes_tell_severities_and_states_apart_by_colour_for_the_eyes_they_are_made_for() {
        let made_for = [
            ("deuteranopia", &[ALL_CONES, DEUTERANOPIA, PROTANOPIA][..]),
            ("tritanopia", &[ALL_CONES, TRITANOPIA][..]),
        ];
        for (name, eyes) in made_for {
            for depth in [Depth::True, Depth::Indexed] {
                let theme = Theme::shipped(name, depth);
                for roles in [&SEVERITIES[..], &STATES[..]] {
                    for eyes in eyes {
                        let (distance, pair) = closest(&theme, roles, *eyes);
                        assert!(distance >= APART, "{name} at {depth:?}: {pair} are {distance:.3} apart for {eyes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_severity_under_the_cursor_keeps_its_colour_or_its_ground() {
        for name in ["dark", "light", "deuteranopia", "tritanopia"] {
            let theme = Theme::shipped(name, Depth::True);
            for role in SEVERITIES {
                let (alone, chosen) = (theme.style(role), theme.under(theme.style(role), Role::Cursor));
                assert_eq!(chosen.fg, alone.fg, "{name}: {}", role.name());
                // What is reversed has a ground of its own, and keeps it.
                let reversed = alone.add_modifier.contains(Modifier::REVERSED);
                assert!(reversed || chosen != alone, "{name}: {} does not show the cursor", role.name());
            }
        }
    }
}
