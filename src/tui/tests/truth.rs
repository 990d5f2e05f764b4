//! What the screen must never pretend.

use super::*;

#[test]
fn offline_and_stale_win_over_demo() {
    let head = |link| {
        let mut picture = picture(rows());
        (picture.demo, picture.link) = (true, link);
        Desk::new(picture).lines()[0].clone()
    };
    assert!(head(Link::Live).ends_with("DEMO"));
    assert!(head(offline()).ends_with("OFFLINE since 03:16Z"));
    assert!(head(Link::Stale { since: at("03:17") }).ends_with("STALE AS OF 03:17Z"));
    assert!(head(Link::Connecting).ends_with("CONNECTING"));
}

#[test]
fn empty_is_never_all_clear() {
    let words = |link, as_of| {
        let mut picture = picture(Vec::new());
        (picture.link, picture.as_of) = (link, as_of);
        Desk::new(picture).screen()
    };
    assert!(words(Link::Live, Some(at("03:17"))).contains("No open incidents. Hub confirmed 03:17Z."));
    assert!(words(offline(), Some(at("03:16"))).contains("No open incidents as of 03:16Z. Cannot know since then."));
    assert!(words(offline(), None).contains("Nothing was ever heard from the hub"));
    assert!(words(Link::Connecting, None).contains("No answer from the hub yet"));
}

#[test]
fn an_overdue_or_pending_state_never_reads_as_acked() {
    let mut desk = Desk::new(picture(rows()));
    desk.change_row(11, wait_for(Act::Ack));
    assert!(desk.has("11   NEW>ack! ") && !desk.has(" ACK>"), "{}", desk.screen());
}

#[test]
fn an_incident_older_than_a_day_shows_its_date() {
    let mut desk = Desk::new(picture(rows()));
    desk.change_row(12, |row| row.incident_mut().since = Timestamp::parse("2026-02-27T03:16:00Z").unwrap());
    assert!(desk.cursor().1.contains("02-27"));
}

#[test]
fn a_hostile_text_never_reaches_the_screen_as_it_is() {
    let hostile = "\x1b]0;owned\x07\x1b[2J\u{202e}gnirts\u{200b}\u{9b}31m\nline\ttab";
    let mut row = incident(13, 1, hostile, hostile, "03:19");
    row.waiting.push(Waiting {
        op_id: OpId::from_bytes([0; 16]),
        act: Act::Note { text: hostile.into() },
        created_at: at("03:20"),
    });
    let mut picture = picture(vec![row]);
    picture.hub = hostile.into();
    picture.link = Link::Offline { since: at("03:16"), reason: hostile.into(), refused: false };
    let mut shown = (*detail(13)).clone();
    shown.lines[0].text = hostile.into();
    shown.series[0].generator_url = hostile.into();
    picture.detail = Some(Arc::new(shown));
    for (width, keys) in [(80, "enter"), (120, "D"), (120, "/"), (40, ""), (120, "n")] {
        let mut desk = Desk::sized(picture.clone(), width, 40);
        desk.keys(keys);
        desk.change(|picture| {
            picture.notices.push(Notice { no: 1, text: hostile.into(), welcome: false, answer: None })
        });
        let screen: String = desk.buffer().content.iter().map(|cell| cell.symbol()).collect();
        assert!(!screen.contains(|c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{200b}')), "{screen:?}");
    }
}

#[test]
fn a_wrong_keymap_is_told_until_it_is_mended_and_the_console_starts() {
    let (keymap, problems) = Keymap::builtin().overlaid("[stream]\n\"x\" = \"incident.akc\"\n", "keymap.toml");
    let state = State::new(Arc::new(picture(rows())), keymap, problems, (120, 30));
    let mut desk = Desk { state, now: night(), effects: Vec::new() };
    desk.keys("j esc");
    assert!(desk.has(r#"keymap.toml:2: unknown action "incident.akc", did you mean "incident.ack"?"#));
    assert!(!desk.keys("a").submitted().is_empty());
}

#[test]
fn nothing_is_drawn_anew_when_nothing_changed() {
    let mut desk = Desk::new(picture(rows()));
    let before = desk.buffer();
    let same = (*desk.state.picture).clone();
    desk.show(same).wait(600_000).event(Event::Due);
    assert_eq!(desk.state.deadline(), None);
    assert!(before.diff(&desk.buffer()).is_empty());
}
