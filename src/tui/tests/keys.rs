//! Keymaps at work: sequences, conditions, the command line's list, help, and other keymaps at run time.

use super::*;
use crate::tui::keymap::Library;

/// A screen with a person's keymap over the default.
fn with_keymap(text: &str, width: u16, height: u16) -> Desk {
    let (keymap, problems) = Keymap::builtin().overlaid(text, "keymap.toml");
    assert_eq!(problems, []);
    let state = State::new(Arc::new(picture(rows())), keymap, problems, (width, height));
    Desk { state, now: night(), effects: Vec::new() }
}

#[track_caller]
fn shows(desk: &Desk, words: &[&str]) {
    for word in words {
        assert!(desk.has(word), "{word:?} is not on the screen:\n{}", desk.screen());
    }
}

const SEQUENCES: &str = "[stream]\n\"g s\" = { action = \"incident.snooze\", desc = \"let it sleep\" }\n\"g a\" = \"incident.ack\"\n\
                         \"g m g\" = [\"mark.toggle\", \"cursor.down\"]\n";

#[test]
fn after_the_first_key_the_next_ones_are_listed() {
    let mut desk = with_keymap(SEQUENCES, 40, 20);
    desk.keys("g");
    insta::assert_snapshot!(desk.screen());
    let mut desk = with_keymap(SEQUENCES, 80, 24);
    desk.keys("g");
    shows(&desk, &["- g ... esc cancels", "s   let it sleep", "a   ack", "m g mark, down", "g   top"]);
    desk.keys("m");
    shows(&desk, &["- g m ... esc cancels", "g mark, down"]);
    desk.keys("g");
    assert!(!desk.has("esc cancels"));
    shows(&desk, &["1 marked"]);
}

#[test]
fn esc_takes_a_begun_sequence_back_and_nothing_else() {
    let mut desk = with_keymap(SEQUENCES, 80, 24);
    desk.keys("/ \"pay\" enter g esc");
    assert!(!desk.has("esc cancels") && desk.has("filter: pay") && !desk.has("Esc again"), "{}", desk.screen());
    desk.keys("a").keys("esc");
    assert_eq!(desk.submitted().len(), 1, "the next key begins anew");
}

#[test]
fn a_list_that_waits_for_a_key_needs_no_timer_and_fits_everywhere() {
    for (width, height) in [(20, 3), (20, 7), (40, 12), (200, 60)] {
        let mut desk = with_keymap(SEQUENCES, width, height);
        let before = desk.state.deadline();
        desk.keys("g");
        assert_eq!(desk.state.deadline(), before);
        let drawn = desk.buffer();
        desk.wait(600_000).event(Event::Due);
        assert!(drawn.diff(&desk.buffer()).is_empty());
    }
}

#[test]
fn what_is_marked_decides_what_a_key_does() {
    let text = "[stream]\n\"-\" = [{ when = \"marked\", action = \"mark.clear\" }, { action = \"help.open\" }]\n";
    let mut desk = with_keymap(text, 80, 24);
    desk.keys("space -");
    assert!(desk.state.marks.is_empty() && matches!(desk.state.mode, Mode::Browse));
    desk.keys("-");
    assert!(matches!(desk.state.mode, Mode::Help { .. }));
}

#[test]
fn a_list_of_actions_ends_where_something_is_asked() {
    let mut desk = with_keymap("[stream]\n\"x\" = [\"incident.resolve\", \"cursor.down\", \"help.open\"]\n", 80, 24);
    desk.keys("x");
    assert!(matches!(desk.state.mode, Mode::Confirm(_)) && desk.selected() == 12, "{}", desk.screen());
}

#[test]
fn own_words_stand_in_footer_and_help() {
    let mut desk = with_keymap("[stream]\n\"a\" = { action = \"incident.ack\", desc = \"got it\" }\n", 100, 50);
    shows(&desk, &["a got it"]);
    desk.keys("?");
    shows(&desk, &["incident.ack          got it"]);
}

#[test]
fn a_key_that_was_moved_is_the_one_that_is_named() {
    let mut desk = with_keymap("[stream]\n\"a\" = \"none\"\n\"f5\" = \"incident.ack\"\n", 100, 50);
    shows(&desk, &["f5 ack"]);
    desk.keys("a");
    assert!(desk.submitted().is_empty());
    desk.keys("?");
    shows(&desk, &["f5               incident.ack"]);
}

mod help {
    use super::*;

    #[test]
    fn it_is_filtered_as_one_types() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("? / \"snooze\"");
        shows(&desk, &[" /snooze", "What holds \"snooze\"", "incident.snooze"]);
        assert!(!desk.has("incident.ack"), "{}", desk.screen());
        desk.keys("enter");
        shows(&desk, &["What holds \"snooze\""]);
        desk.keys("esc");
        shows(&desk, &["Keys here (keymap default)", "incident.ack"]);
        desk.keys("/ \"zzz\" esc");
        shows(&desk, &["incident.ack"]);
        desk.keys("esc");
        assert!(matches!(desk.state.mode, Mode::Browse));
    }

    #[test]
    fn a_command_opens_it_on_a_topic() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(": \"help_undo\" enter");
        shows(&desk, &["What holds \"undo\"", "undo.last"]);
        assert!(!desk.has("incident.ack"), "{}", desk.screen());
    }

    #[test]
    fn it_scrolls_to_its_end_and_no_further() {
        let mut desk = Desk::sized(picture(rows()), 40, 20);
        desk.keys("? G");
        shows(&desk, &["text:\"disk full\""]);
        let last = desk.screen();
        desk.keys("j j");
        assert_eq!(desk.screen(), last);
        desk.keys("/ \"undo\"");
        shows(&desk, &["undo.last"]);
    }

    #[test]
    fn words_of_no_filter_are_no_verbs() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys("? / \"aDy\" enter");
        assert!(desk.submitted().is_empty());
    }
}

mod palette {
    use super::*;

    fn line(desk: &Desk) -> String {
        match &desk.state.mode {
            Mode::Command { editor, .. } => editor.text().to_owned(),
            _ => "(closed)".to_owned(),
        }
    }

    fn names(desk: &Desk) -> Vec<&str> {
        desk.state.palette.offers.iter().map(|offer| offer.name.as_str()).collect()
    }

    #[test]
    fn it_finds_names_letters_and_descriptions() {
        let check = |typed: &str, first: &str| {
            let mut desk = Desk::new(picture(rows()));
            desk.keys(&format!(": \"{typed}\""));
            assert_eq!(names(&desk).first().copied(), Some(first), "{typed}: {:?}", names(&desk));
        };
        check("ack", "ack");
        check("snz", "snooze");
        check("hndo", "handover");
        check("incident.res", "resolve");
        check("keym", "keymap");
        check("vendor", "wait");
        check("half_a_page_up", "cursor.half-page-up");
    }

    #[test]
    fn it_shows_the_key_and_why_a_command_does_nothing() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(": \"un\"");
        shows(&desk, &["(not yours)", "(nothing to take back)"]);
        let mut desk = Desk::new(picture(Vec::new()));
        desk.keys(": \"ack\"");
        shows(&desk, &["(nothing is selected)"]);
        let mut far = picture(rows());
        far.link = offline();
        let mut desk = Desk::new(far);
        desk.keys(": \"ack\"");
        shows(&desk, &["(offline: will be sent later)"]);
    }

    #[test]
    fn up_and_down_walk_and_the_line_is_what_enter_does() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(": \"inb\" down");
        assert_eq!(line(&desk), "inbox");
        desk.keys("up");
        assert_eq!(line(&desk), "inb", "before the first is what was typed");
        desk.keys("up");
        assert_eq!(Some(line(&desk).trim()), names(&desk).last().copied());
        desk.keys("down down");
        let told = names(&desk).len();
        desk.keys("pagedown pagedown pagedown pagedown pagedown");
        assert_eq!(desk.state.palette.at, Some(told - 1));
        let mut desk = Desk::new(picture(rows()));
        desk.keys(": \"inb\" down enter");
        assert!(matches!(desk.state.mode, Mode::Inbox { .. }), "{}", desk.screen());
    }

    #[test]
    fn what_is_not_in_the_line_is_never_done() {
        check_asked(": \"acknowledge\" enter", &[]);
        check(": \"aknoledg\" enter", &["no command \"aknoledg\""]);
    }

    #[test]
    fn tab_completes_as_far_as_it_is_certain() {
        let check = |typed: &str, expect: &str| {
            let mut picture = picture(rows());
            let mut known = (*picture.known).clone();
            known.people = ["jonas", "jolanda", "mira"].map(|name| UserName::parse(name).unwrap()).into();
            picture.known = Arc::new(known);
            let mut desk = Desk::new(picture);
            desk.keys(&format!(": \"{typed}\" tab"));
            assert_eq!(line(&desk), expect, "{typed}");
        };
        check("una", "unack ");
        check("un", "un");
        check("sno", "snooze ");
        check("offer_jol", "offer jolanda ");
        check("offer_j", "offer jo");
        check("offer_x", "offer x");
        check("merge_1", "merge 1");
        check("merge_8", "merge 8 ");
        check("merge_relay", "merge 8 ");
        check("keymap_v", "keymap vim ");
        check("resolve_", "resolve force ");
        check("note_m", "note m");
    }

    #[test]
    fn what_was_used_last_stands_first_and_only_its_name_is_kept() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(": \"note_secret\" enter : \"inbox\" enter esc : \"note_other\" enter");
        let kept: Vec<&Effect> = desk.effects.iter().filter(|one| matches!(one, Effect::Remember(_))).collect();
        assert_eq!(*kept[2], Effect::Remember(vec!["note".into(), "inbox".into()]));
        desk.keys(":");
        assert_eq!(names(&desk)[..2], ["note", "inbox"]);
        desk.keys("\"in\"");
        assert_eq!(names(&desk)[0], "inbox");
    }

    #[test]
    fn it_gives_way_to_the_line_on_a_small_screen() {
        for (width, height) in [(40, 8), (20, 4)] {
            let mut desk = Desk::sized(picture(rows()), width, height);
            desk.keys(": \"ack\"");
            shows(&desk, &[":ack"]);
        }
        let mut desk = Desk::sized(picture(rows()), 40, 20);
        desk.keys(": \"keymap_\" down down");
        insta::assert_snapshot!(desk.screen());
    }

    #[test]
    fn any_text_can_be_typed_without_harm() {
        let mut desk = Desk::new(picture(rows()));
        desk.keys(":").event(Event::Paste("\u{202e}é漢字 \x1b[2J ".repeat(400)));
        desk.keys("tab down up enter");
        assert!(desk.submitted().is_empty());
    }
}

#[test]
fn another_keymap_holds_from_the_moment_it_was_read() {
    let mut desk = Desk::new(picture(rows()));
    desk.keys(": \"keymap_arrows\" enter");
    assert!(desk.effects.contains(&Effect::LoadKeymap("arrows".into())));
    desk.event(Event::Keymap(Box::new(Library::shipped().load(None, Some("arrows")))));
    shows(&desk, &["keymap arrows"]);
    desk.keys("j");
    assert_eq!(desk.selected(), 12);
    desk.keys("down");
    assert_eq!(desk.selected(), 11);
    desk.event(Event::Keymap(Box::new(Library::shipped().load(None, Some("arows")))));
    shows(&desk, &["unknown keymap \"arows\", did you mean \"arrows\"?"]);
    desk.keys(": \"keymap\" enter");
    shows(&desk, &["keymap default; there are default, vim, arrows, emacs"]);
}
