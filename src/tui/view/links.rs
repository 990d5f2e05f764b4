//! The links of an incident, each with its host whole: who opens one must have seen where it leads.

use super::super::action::Action;
use super::super::keymap::Context;
use super::super::layout::Layout;
use super::super::links::Link;
use super::super::state::{Mode, State};
use super::super::theme::Role;
use super::paint::{Canvas, Line};
use crate::domain::text::SafeText;

/// Cells before a host: the digit and what it leads to.
const INDENT: usize = 14;

/// Draws the list over the whole body; returns whether it is open.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) -> bool {
    let Mode::Menu { verb: Action::LinkOpen, targets, .. } = &state.mode else { return false };
    let number = targets.first().map_or(String::new(), |one| one.number.to_string());
    let does = if state.opens_links { "opens" } else { "copies" };
    let mut lines = vec![
        Line::of(Role::Title, &format!(" Links of {number}: a digit {does} one, Esc leaves it")),
        Line::of(
            Role::Dim,
            " They came with alerts, but for those of the service: whoever may send alerts may have written them.",
        ),
    ];
    let seen = links_seen(state);
    let blocks = blocks(state);
    let hidden = blocks.len() - seen;
    lines.extend(blocks.into_iter().take(seen).flatten());
    if hidden > 0 {
        lines.push(Line::of(Role::BannerProblem, &format!(" {hidden} more have no room here")));
    }
    canvas.lines(layout.body, &lines, 0);
    true
}

/// Returns how many links of the open list are shown whole: no other may be opened.
pub(crate) fn links_seen(state: &State) -> usize {
    // The heading, and the line that says that there are more.
    let room = usize::from(state.layout().body.height).saturating_sub(3);
    let ends = blocks(state).into_iter().scan(0, |used, block| {
        *used += block.len();
        Some(*used)
    });
    ends.take_while(|end| *end <= room).count()
}

fn blocks(state: &State) -> Vec<Vec<Line>> {
    let Mode::Menu { choices, .. } = &state.mode else { return Vec::new() };
    let width = usize::from(state.layout().body.width).saturating_sub(1).max(1);
    let block = |(place, choice): (usize, &super::super::state::Choice)| {
        let link = Link::read("", &choice.words)?;
        let action = Action::ALL.iter().find(|action| action.choice() == Some(place))?;
        let keys = state.keymap.keys_of(*action, &[Context::Menu]);
        let key = keys.first().map_or_else(|| "-".to_owned(), |binding| binding.label());
        let mut lines = Vec::new();
        let host = SafeText::line(&link.host, usize::MAX).pieces(width.saturating_sub(INDENT).max(8));
        for (at, piece) in host.into_iter().enumerate() {
            let head = if at == 0 { format!(" {key:<2} {:<9} ", choice.label) } else { " ".repeat(INDENT) };
            lines.push(Line::of(Role::FooterKey, &head).safe(Role::Title, piece));
        }
        lines.extend(link.warnings.iter().map(|text| Line::of(Role::BannerProblem, &format!("    {text}"))));
        let url = SafeText::line(&link.url, usize::MAX).truncated(width.saturating_sub(4));
        lines.push(Line::of(Role::Text, "    ").safe(Role::Dim, url));
        Some(lines)
    };
    choices.iter().enumerate().filter_map(block).collect()
}
