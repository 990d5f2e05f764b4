//! The list of incidents.

use super::super::layout::Layout;
use super::super::state::{Focus, State};
use super::super::theme::Role;
use super::paint::{Canvas, Line};
use super::words;
use crate::sync::picture::{Link, Row};
use ratatui::layout::Rect;

/// Cells of `NEW>ack!?`, the longest state.
const STATE: usize = 9;
/// Cells of `03:16` and `12-31`.
const SINCE: usize = 5;
/// Cells of the owner.
const OWNER: usize = 8;

/// Cells of the time at which something comes next.
const NEXT: usize = 6;
/// Fewest cells of a service that still tell something.
const SERVICE_LEAST: usize = 6;
/// Cells left from which the list says what comes next.
const NEXT_NEEDS: usize = 58;

/// How wide each column is; 0 is dropped. Severity, number and state never are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    number: usize,
    since: usize,
    next: usize,
    service: usize,
    summary: usize,
    owner: usize,
}

impl Columns {
    /// Drops, as it gets narrower, what comes next, owner, summary, the tail of the service, since.
    fn of(state: &State, width: usize) -> Self {
        Self::in_cells(state.overview.number_max().to_string().len().max(4), width)
    }

    fn in_cells(number: usize, width: usize) -> Self {
        // Marker, severity, number, state, each with a space behind.
        let mut left = width.saturating_sub(2 + 3 + number + 1 + STATE + 1);
        let mut take = |cells: usize, needs: usize| {
            let fits = left >= needs;
            left -= if fits { cells + 1 } else { 0 };
            if fits { cells } else { 0 }
        };
        let since = take(SINCE, SINCE + 1 + SERVICE_LEAST);
        let next = take(NEXT, NEXT_NEEDS);
        let owner = take(OWNER, 36);
        let service = match take(16, 45) {
            0 => take(13, 26),
            cells => cells,
        };
        Self::rest(Self { number, since, next, service, summary: 0, owner }, left)
    }

    fn rest(self, left: usize) -> Self {
        match self.service {
            0 => Self { service: left, ..self },
            _ => Self { summary: left.saturating_sub(usize::from(self.owner > 0)), ..self },
        }
    }
}

/// Draws headings, rows, and the words where there are none.
pub(super) fn draw(state: &State, layout: &Layout, canvas: &mut Canvas<'_>) {
    if layout.list.width == 0 {
        return;
    }
    let columns = Columns::of(state, layout.list.width.into());
    if let Some(area) = layout.columns {
        headings(state, &columns, area, canvas);
    }
    let mut area = layout.list;
    if state.says_nothing_open() && area.height > 0 {
        canvas.line(Rect { height: 1, ..area }, &Line::of(Role::Title, &format!(" {}", nothing_open(state))));
        (area.y, area.height) = (area.y + 1, area.height - 1);
        if state.order.is_empty() {
            invitation(state, area, canvas);
        }
    }
    if state.order.is_empty() && !state.filter.is_all() && area.height > 0 {
        let says = Line::of(Role::Title, " Nothing matches the filter; Esc Esc clears it.");
        canvas.line(Rect { height: 1, ..area }, &says);
    }
    for (offset, place) in area.rows().enumerate() {
        if let Some(row) = state.row_at(state.top + offset) {
            self::row(state, &columns, row, place, canvas);
        }
    }
}

/// Returns what an empty list means: never that all is well, only who said so and when.
fn nothing_open(state: &State) -> String {
    let as_of = state.picture.as_of.map(words::clock);
    match (&state.picture.link, as_of) {
        (Link::Connecting, None) => "No answer from the hub yet: what burns is not known.".into(),
        (_, None) => "Nothing was ever heard from the hub: what burns is not known.".into(),
        (Link::Live, Some(at)) => format!("No open incidents. Hub confirmed {at}."),
        (_, Some(at)) => format!("No open incidents as of {at}. Cannot know since then."),
    }
}

/// Says where alerts may be sent, as long as none came.
fn invitation(state: &State, area: Rect, canvas: &mut Canvas<'_>) {
    if let (Some(address), true) = (&state.picture.ingest, state.picture.rows.is_empty()) {
        let lines = [
            Line::default(),
            Line::of(Role::Text, " Prometheus may send to ").with(Role::Title, &format!("http://{address}")),
            Line::of(Role::Dim, " (prometheus.yml: alerting, alertmanagers, static_configs, targets)"),
        ];
        canvas.lines(area, &lines, 0);
    }
}

fn headings(state: &State, columns: &Columns, area: Rect, canvas: &mut Canvas<'_>) {
    let role = if state.focus == Focus::Stream { Role::Title } else { Role::Dim };
    let mut line = Line::of(role, "  ").cell(role, 2, "SV").cell(role, columns.number, "ID").cell(role, STATE, "STAT");
    let optional = [
        (columns.since, "SINCE"),
        (columns.next, "NEXT"),
        (columns.service, "SERVICE"),
        (columns.summary, "SUMMARY"),
        // What the hub has not confirmed lately is how it was.
        (columns.owner, if state.is_live() { "OWNER" } else { "HAD IT" }),
    ];
    for (cells, name) in optional.into_iter().filter(|(cells, _)| *cells > 0) {
        line = line.cell(role, cells, name);
    }
    canvas.line(area, &line);
    if let Some(hidden) = hidden(state) {
        let note = Line::of(Role::FilterHides, &format!(" {hidden} "));
        canvas.ends(
            Rect { x: area.right().saturating_sub(note.width() as u16), width: note.width() as u16, ..area },
            &Line::default(),
            &note,
        );
    }
}

/// Returns how many rows lie beyond the edges of the list; `None` when all of them can be seen.
fn hidden(state: &State) -> Option<String> {
    let below = state.order.len().saturating_sub(state.top + state.list_rows());
    let new = if state.fresh.is_empty() { String::new() } else { format!(" ({} new)", state.fresh.len()) };
    match (state.top, below) {
        (0, 0) => None,
        (above, 0) => Some(format!("{above} above{new}")),
        (0, below) => Some(format!("{below} below")),
        (above, below) => Some(format!("{above} above{new}, {below} below")),
    }
}

fn row(state: &State, columns: &Columns, row: &Row, place: Rect, canvas: &mut Canvas<'_>) {
    let incident = &row.incident;
    let selected = state.selected == Some(incident.id);
    let (stat, stat_role) = words::state(row, state.is_live());
    let (owner, owner_role) = words::owner(state, incident);
    let marker = match (selected, state.marks.contains(&incident.id)) {
        (true, true) => ">*",
        (true, false) => "> ",
        (false, true) => " *",
        (false, false) => "  ",
    };
    let mut line = Line::of(Role::Title, marker)
        .cell(Role::severity(incident.severity), 2, &words::severity(incident.severity))
        .cell(Role::Text, columns.number, &incident.number.to_string())
        .cell(stat_role, STATE, &stat);
    let since = words::since(state, incident.since);
    let (next, next_role) = words::next(state, incident);
    // Apart from state and owner, which are the hub's words alone.
    let summary = match row.said.last() {
        Some(said) => format!("[{} says {}] {}", said.actor, words::act(&said.act), incident.summary),
        None => match (&incident.silenced, &incident.claimed, words::quiet(incident)) {
            (Some(silenced), ..) => {
                let until = words::minute(state, silenced.until);
                match &silenced.upstream {
                    Some(up) if up.inhibited => format!("[inhibited upstream] {}", incident.summary),
                    Some(_) => format!("[silenced upstream to {until}] {}", incident.summary),
                    None => format!("[silenced to {until}] {}", incident.summary),
                }
            }
            (None, Some(claimed), _) => format!("[{}] {}", claimed.sentence(), incident.summary),
            (None, None, Some(quiet)) => format!("[{quiet}] {}", incident.summary),
            (None, None, None) => incident.summary.clone(),
        },
    };
    let optional = [
        (columns.since, Role::Text, since.as_str()),
        (columns.next, next_role, next.as_str()),
        (columns.service, Role::Text, incident.service.as_str()),
        (columns.summary, Role::Text, summary.as_str()),
        (columns.owner, owner_role, owner.as_str()),
    ];
    for (cells, role, text) in optional.into_iter().filter(|(cells, ..)| *cells > 0) {
        line = line.cell(role, cells, text);
    }
    canvas.line(place, &line);
    if selected {
        canvas.cursor(place, if state.focus == Focus::Stream { Role::Cursor } else { Role::CursorUnfocused });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_go_in_their_order_and_come_back_in_it() {
        for number in 4..8 {
            let mut before = [false; 4];
            for width in 20..220 {
                let now = Columns::in_cells(number, width);
                // Each is only there once all that go after it are, and what was there stays.
                let there = [now.since, now.summary, now.owner, now.next].map(|cells| cells > 0);
                assert!(there.is_sorted_by(|a, b| a >= b), "{width}: {now:?}");
                assert!(now.summary == 0 || now.service >= SERVICE_LEAST, "{width}: {now:?}");
                assert!(before.into_iter().zip(there).all(|(was, is)| is >= was), "{width}: {now:?}");
                let cells = 2 + 3 + number + 1 + STATE + 1;
                let optional = [now.since, now.next, now.service, now.summary, now.owner];
                let used: usize = optional.into_iter().filter(|cells| *cells > 0).map(|cells| cells + 1).sum();
                assert!(cells + used <= width.max(cells) + 1, "{width}: {now:?}");
                before = there;
            }
        }
        let there = |width| Columns::in_cells(4, width);
        assert!(there(80).owner > 0 && there(60).summary > 0 && there(40).since > 0 && there(92).next > 0);
    }
}
