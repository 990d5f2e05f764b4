//! Every pane and state at four sizes: what stands there, which role each cell has, and what the roles look like in three themes.
//!
//! One snapshot a scene holds all four sizes. Roles are told apart from themes: a scene's roles are the same in all of them, and the looks of
//! a role stand once for each theme.

use super::super::theme::Depth;
use super::shift::*;
use super::*;
use crate::domain::paging::{PageState, Step};
use crate::domain::series::SeriesState;
use crate::sync::picture::Said;
use ratatui::buffer::Cell;
use ratatui::style::{Modifier, Style};

const SIZES: [(u16, u16); 4] = [(80, 24), (120, 40), (200, 60), (40, 20)];

/// A burning incident with thirty series, one of them unknown, notes, calls and a waiting act.
fn whole() -> Picture {
    let mut told = (*many(30)).clone();
    let lost = &mut told.series[0];
    (lost.state, lost.ends_at) = (SeriesState::Unknown, Some(at("03:08")));
    let (mut seen, mut failed) = (page(12, Step::Level(0)), page(12, Step::Level(1)));
    (seen.delivered_at, seen.seen_at) = (Some(at("03:16")), Some(at("03:17")));
    (failed.person, failed.state) = (user("jonas"), PageState::Failed("the provider did not answer".into()));
    told.pages = vec![seen, failed];
    let mut picture = called();
    picture.detail = Some(Arc::new(told));
    picture.calls = calls([page(12, Step::Level(0))]);
    for row in Arc::make_mut(&mut picture.rows).iter_mut().filter(|row| row.incident.number == Number(12)) {
        row.incident_mut().tally = Tally { firing: 19, unknown: 1, over: 10, instant: 0 };
        row.said = vec![Said { actor: user("jonas"), act: Act::Ack, created_at: at("03:19") }];
    }
    picture
}

/// Shows a scene at every size and keeps text and roles; `keys` are pressed at each size anew.
#[track_caller]
fn scene(name: &str, picture: &Picture, keys: &str) {
    scene_with(name, picture, keys, |_| {});
}

#[track_caller]
fn scene_with(name: &str, picture: &Picture, keys: &str, then: impl Fn(&mut Desk)) {
    let (mut text, mut roles) = (String::new(), String::new());
    for (width, height) in SIZES {
        let mut desk = Desk::sized(picture.clone(), width, height);
        desk.keys(keys);
        then(&mut desk);
        text.push_str(&format!("{width}x{height}\n{}\n", desk.screen()));
        roles.push_str(&format!("{width}x{height}\n{}", runs(&desk)));
    }
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!(format!("{name}_text"), text);
        insta::assert_snapshot!(format!("{name}_roles"), roles);
    });
}

/// Returns a line a row: runs of one role each, as `role` and its cells; runs of plain text are only counted.
fn runs(desk: &Desk) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, desk.state.width, desk.state.height));
    view::draw(&desk.state, &Theme::probe(), &mut buffer);
    let role = |cell: &Cell| {
        let (over, under) = (Theme::probed(cell.fg), Theme::probed(cell.bg));
        let over = over.filter(|role| *role != Role::Text && cell.symbol() != " ").map_or("", Role::name);
        under.map_or(over.to_owned(), |under| format!("{over}/{}", under.name()))
    };
    let mut out = String::new();
    for (y, row) in buffer.content.chunks(usize::from(desk.state.width).max(1)).enumerate() {
        let roles: Vec<String> = row.iter().map(role).collect();
        let runs = roles.chunk_by(|a, b| a == b).map(|run| match run[0].as_str() {
            "" => run.len().to_string(),
            role => format!("{role}*{}", run.len()),
        });
        let runs: Vec<String> = runs.collect();
        if runs.len() > 1 || !runs[0].starts_with(|c: char| c.is_ascii_digit()) {
            out.push_str(&format!("{y:2}: {}\n", runs.join(" ")));
        }
    }
    out
}

/// What each role looks like, one a line.
fn looks(theme: &Theme) -> String {
    let plain = Style::default();
    let look = |role: &Role| {
        let style = theme.style(*role);
        let color = |of: &str, color: Option<ratatui::style::Color>| {
            color.map_or(String::new(), |color| format!(" {of}={color}"))
        };
        let mods =
            if style.add_modifier == Modifier::empty() { String::new() } else { format!(" {:?}", style.add_modifier) };
        let none = if style == plain { " plain" } else { "" };
        format!("{}{}{}{mods}{none}\n", role.name(), color("fg", style.fg), color("bg", style.bg))
    };
    Role::ALL.iter().map(look).collect()
}

#[test]
fn roles_look_so_in_the_shipped_theme_and_without_colour() {
    insta::assert_snapshot!("looks_default", looks(&Theme::base16()));
    insta::assert_snapshot!("looks_mono", looks(&Theme::shipped("mono", Depth::True)));
    insta::assert_snapshot!("looks_contrast_dark", looks(&Theme::shipped("contrast-dark", Depth::True)));
}

#[test]
fn the_list_and_the_detail() {
    scene("live", &whole(), "");
    scene("detail_open", &whole(), "enter");
}

#[test]
fn the_tabs_of_an_incident() {
    scene("series", &whole(), "2");
    scene("series_unfolded", &whole(), "2 L");
    scene("timeline", &whole(), "3");
    scene("notes", &whole(), "4");
    scene("pages", &whole(), "5");
}

#[test]
fn zoomed_panes() {
    scene("series_zoomed", &whole(), "2 tab + +");
    scene("list_zoomed", &whole(), "+ +");
    scene("side_zoomed", &whole(), "shift-tab +");
}

#[test]
fn what_waits() {
    scene_with("waiting", &whole(), "a", |desk| {
        desk.change_row(12, wait_for(Act::Ack));
    });
}

#[test]
fn how_the_hub_is() {
    let mut picture = whole();
    picture.link = offline();
    picture.unsent = 1;
    scene_with("offline", &picture, "", |desk| {
        desk.change_row(12, wait_for(Act::Ack));
    });
    picture.link = Link::Stale { since: at("03:16") };
    scene("stale", &picture, "");
    picture = self::picture(Vec::new());
    (picture.link, picture.as_of) = (Link::Connecting, None);
    scene("connecting", &picture, "");
    picture = self::picture(Vec::new());
    scene("nothing_open", &picture, "");
}

#[test]
fn prompts_questions_and_menus() {
    scene("menu", &whole(), "s");
    scene("note", &whole(), "n \"the_ledger_lock_is_held\"");
    scene("question", &whole(), "D");
    scene("command", &whole(), ": \"un\"");
    scene("preview", &whole(), "space space s 1");
}

#[test]
fn sheets() {
    let mut picture = whole();
    picture.inbox = letters();
    scene("inbox", &picture, "I");
}

#[test]
fn a_list_that_hides_marks_or_waits() {
    scene("filtered", &whole(), "/ \"pay\" enter");
    scene("marked", &whole(), "space space");
    scene_with("new_above", &whole(), "j j", |desk| {
        desk.wait(5000).add(incident(1313, 1, "dns", "all resolvers fail", "03:19"));
    });
}
