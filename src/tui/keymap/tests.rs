//! Keymaps read, laid over each other, found in, and written; and the shipped ones.

use super::*;
use std::collections::BTreeSet;

/// Returns what is said about a file that lies over the default.
fn said(text: &str) -> Vec<String> {
    let (_, problems) = Keymap::builtin().overlaid(text, "keymap.toml");
    problems.iter().map(Problem::to_string).collect()
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    assert_eq!(said(text), expect);
}

fn over(text: &str) -> Keymap {
    let (keymap, problems) = Keymap::builtin().overlaid(text, "keymap.toml");
    assert_eq!(problems, []);
    keymap
}

fn find_when(keymap: &Keymap, keys: &str, holds: &[Condition]) -> Found {
    let keys = KeyPress::parse_sequence(keys).unwrap();
    keymap.find(&[Context::Stream, Context::Global], &keys, &|condition| holds.contains(&condition))
}

fn find(keymap: &Keymap, keys: &str) -> Found {
    find_when(keymap, keys, &[])
}

fn does(action: Action) -> Found {
    Found::Actions(vec![action])
}

#[test]
fn a_sequence_is_found_key_by_key() {
    let keymap = Keymap::builtin();
    assert_eq!(find(&keymap, "g"), Found::Prefix);
    assert_eq!(find(&keymap, "g g"), does(Action::CursorTop));
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
fn an_unknown_context_key_condition_or_setting_says_so_too() {
    check(
        "[steam]\n\"x\" = \"incident.ack\"\n",
        &[r#"keymap.toml:1: unknown context "steam", did you mean "stream"?"#],
    );
    check(
        "[stream]\n\"ctrl-entr\" = \"help.open\"\n",
        &[r#"keymap.toml:2: unknown key "ctrl-entr", did you mean "enter"?"#],
    );
    check("schem = 1\n", &[r#"keymap.toml:1: unknown setting "schem", did you mean "schema"?"#]);
    check("extends = \"defualt\"\n", &[r#"keymap.toml:1: unknown keymap "defualt", did you mean "default"?"#]);
    check("extends = \"vmi\"\n", &[r#"keymap.toml:1: unknown keymap "vmi", did you mean "vim"?"#]);
    check(
        "[stream]\n\"x\" = { when = \"markd\", action = \"mark.clear\" }\n",
        &[r#"keymap.toml:2: unknown condition "markd", did you mean "marked"?"#],
    );
    check(
        "[stream]\n\"x\" = { acton = \"mark.clear\" }\n",
        &[r#"keymap.toml:2: unknown setting "acton", did you mean "action"?: action, desc and when are read"#],
    );
    check("[stream]\n\"x\" = {}\n", &["keymap.toml:2: the action is missing"]);
    check("[stream]\n\"x\" = 3\n", &["keymap.toml:2: write an action's name, a list of them, or \"none\""]);
    check("[stream]\n\"g a b c d\" = \"help.open\"\n", &["keymap.toml:2: at most 4 keys make a sequence"]);
    check(
        "[stream]\n\"x\" = [\"help.open\", { action = \"mark.clear\" }]\n",
        &["keymap.toml:2: write either names alone, or { when = .., action = .. } alone"],
    );
}

#[test]
fn a_file_that_is_no_toml_leaves_the_keys_below() {
    let (keymap, problems) = Keymap::builtin().overlaid("[stream]\nx x\n", "keymap.toml");
    assert_eq!(keymap, Keymap::builtin());
    assert!(problems[0].to_string().starts_with("keymap.toml:2: "), "{}", problems[0]);
}

#[test]
fn a_good_entry_beside_a_bad_one_holds() {
    let text = "[stream]\n\"x\" = \"incident.ack\"\n\"z\" = \"nonsense\"\n\"a\" = \"none\"\n\"g\" = [\"cursor.top\", \"detail.open\"]";
    let (keymap, problems) = Keymap::builtin().overlaid(text, "keymap.toml");
    assert_eq!(problems.len(), 1);
    assert_eq!(find(&keymap, "x"), does(Action::IncidentAck));
    assert_eq!(find(&keymap, "a"), Found::Actions(vec![]));
    assert_eq!(find(&keymap, "g"), Found::Actions(vec![Action::CursorTop, Action::DetailOpen]));
    assert_eq!(find(&keymap, "j"), does(Action::CursorDown));
}

#[test]
fn the_first_condition_that_holds_counts() {
    let text = "[stream]\n\"-\" = [{ when = \"marked\", action = \"mark.clear\" }, { when = \"open\", action = [\"view.back\", \"cursor.top\"] }]\n\
                [global]\n\"-\" = \"help.open\"\n";
    let keymap = over(text);
    assert_eq!(find_when(&keymap, "-", &[Condition::Marked, Condition::Open]), does(Action::MarkClear));
    let both = Found::Actions(vec![Action::ViewBack, Action::CursorTop]);
    assert_eq!(find_when(&keymap, "-", &[Condition::Open]), both);
    assert_eq!(find(&keymap, "-"), does(Action::HelpOpen), "where none holds, the next context counts");
}

#[test]
fn what_follows_a_first_key_is_listed_the_nearest_context_first() {
    let text = "[stream]\n\"g m\" = { action = \"mark.all\", desc = \"every one\" }\n\"g b\" = \"cursor.bottom\"\n\"g g\" = \"none\"\n\"g l\" = \"none\"\n\
                [global]\n\"g b\" = \"help.open\"\n";
    let keymap = over(text);
    let keys = KeyPress::parse_sequence("g").unwrap();
    let next = keymap.continuations(&[Context::Stream, Context::Global], &keys, &|_| true);
    let told: Vec<_> = next.iter().map(|(keys, arm)| (label(keys), arm.actions[0], arm.desc.as_deref())).collect();
    let expect = [("m".into(), Action::MarkAll, Some("every one")), ("b".into(), Action::CursorBottom, None)];
    assert_eq!(told, expect);
    let alone = over("[stream]\n\"g g\" = \"none\"\n\"g l\" = \"none\"\n");
    assert_eq!(find(&alone, "g"), Found::Nothing, "nothing may follow");
}

#[test]
fn a_key_that_a_nearer_context_hides_is_not_shown_for_the_action() {
    let keymap = over("[stream]\n\"u\" = \"help.open\"\n");
    assert!(keymap.keys_of(Action::UndoLast, &[Context::Stream, Context::Global]).is_empty());
    assert!(!keymap.keys_of(Action::UndoLast, &[Context::Detail, Context::Global]).is_empty());
}

#[test]
fn enter_cannot_be_made_to_act() {
    let says = "keymap.toml:2: enter never acts on an incident; choose another key";
    check("[stream]\n\"enter\" = \"incident.ack\"\n", &[says]);
    check("[confirm]\n\"enter\" = { action = \"confirm.yes\" }\n", &[says]);
    check(
        "[stream]\n\"enter\" = [{ when = \"marked\", action = \"bulk.ack\" }, { action = \"detail.open\" }]\n",
        &[says],
    );
    check("[stream]\n\"g enter\" = [\"cursor.down\", \"incident.resolve\"]\n", &[says]);
}

#[test]
fn no_key_answers_what_it_asked() {
    let alone = "keymap.toml:2: an answer stands alone: no key answers what it asked itself, or allows what it does";
    check("[stream]\n\"x\" = [\"incident.resolve\", \"confirm.yes\"]\n", &[alone]);
    check("[stream]\n\"x\" = [\"incident.snooze\", \"choose.2\"]\n", &[alone]);
    check("[stream]\n\"x\" = [\"bulk.ack\", \"confirm.yes\"]\n", &[alone]);
    check("[stream]\n\"x\" = [\"readonly.off\", \"incident.ack\"]\n", &[alone]);
    let one = "keymap.toml:2: one key does one thing to an incident; write one action";
    check("[stream]\n\"x\" = [\"incident.ack\", \"incident.note\"]\n", &[one]);
    check(
        "[confirm]\n\"D\" = \"confirm.yes\"\n",
        &[r#"keymap.toml:2: "D" would both ask (incident.resolve) and answer (confirm): choose another key"#],
    );
    check(
        "[stream]\n\"y\" = \"incident.resolve\"\n",
        &[r#"keymap.toml:2: "y" would both ask (incident.resolve) and answer (confirm): choose another key"#],
    );
    check(
        "[stream]\n\"g y\" = \"incident.escalate\"\n",
        &[r#"keymap.toml:2: "g y" would both ask (incident.escalate) and answer (confirm): choose another key"#],
    );
    check(
        "[sheet]\n\"A\" = \"confirm.yes\"\n",
        &[r#"keymap.toml:2: "A" would both ask (bulk.ack) and answer (sheet): choose another key"#],
    );
    check(
        "[confirm]\n\"x\" = \"incident.ack\"\n",
        &["keymap.toml:2: incident.ack begins nothing while something is asked; bind it in [stream]"],
    );
}

#[test]
fn a_prompt_keeps_its_letters() {
    check(
        "[prompt]\n\"j\" = \"cursor.down\"\n",
        &[r#"keymap.toml:2: in a prompt "j" is a letter; it could not be typed any more"#],
    );
    check("[prompt]\n\"f5\" = \"prompt.cancel\"\n", &[]);
}

#[test]
fn two_entries_that_begin_alike_are_told() {
    check(
        "[stream]\n\"x\" = \"incident.ack\"\n\"x x\" = \"help.open\"\n",
        &[r#"keymap.toml:3: "x x" and "x" begin alike; the later one is kept"#],
    );
    check(
        "[stream]\n\"J\" = \"incident.ack\"\n\"shift-j\" = \"help.open\"\n",
        &[r#"keymap.toml:3: "J" stands twice; the later one is kept"#],
    );
}

#[test]
fn keys_that_may_not_come_are_warned_of_and_hold() {
    let text = "[stream]\n\"ctrl-i\" = \"inbox.open\"\n\"ctrl-s\" = \"filter.open\"\n\"super-k\" = \"help.open\"\n\"g\" = \"cursor.top\"\n\
                [global]\n\"g\" = \"cursor.top\"\n\"z\" = [{ action = \"help.open\" }, { when = \"open\", action = \"view.back\" }]\n";
    let loaded = Library::shipped().overlaid(Keymap::builtin(), text, "k.toml");
    assert_eq!(loaded.problems, []);
    let warnings: Vec<String> = loaded.warnings.iter().map(Problem::to_string).collect();
    let expect = [
        "k.toml:2: \"ctrl-i\" may not come: terminals send Tab for it",
        "k.toml:3: \"ctrl-s\" may not come: some terminals take it for flow control and stop the screen",
        "k.toml:4: \"super-k\" may not come: only the kitty keyboard protocol reports it, and that is not enabled",
        "k.toml:5: \"g\" takes the place of \"g l\" (link.open)",
        "k.toml:7: \"g\" takes the place of \"g g\" (cursor.top)",
        "k.toml:8: \"z\": what stands behind an entry without \"when\" never happens",
    ];
    assert_eq!(warnings, expect);
    assert_eq!(find(&loaded.keymap, "ctrl-s"), does(Action::FilterOpen));
}

mod files {
    use super::*;
    use std::path::Path;

    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("keymaps")).unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    fn load(dir: &Path, set: Option<&str>, now: Option<&str>) -> Loaded {
        let set = set.map(|name| Choice { name: name.into(), file: "config.toml".into(), line: 7 });
        Library::of(Some(&dir.join("keymap.toml"))).load(set.as_ref(), now)
    }

    fn problems(loaded: &Loaded) -> Vec<String> {
        loaded.problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn the_settings_the_own_file_and_the_moment_name_a_keymap() {
        let plain = home(&[]);
        assert_eq!(load(plain.path(), None, None).name, "default");
        assert_eq!(load(plain.path(), Some("vim"), None).name, "vim");
        let own = home(&[("keymap.toml", "extends = \"emacs\"\n[stream]\n\"x\" = \"incident.ack\"\n")]);
        let loaded = load(own.path(), Some("vim"), None);
        assert_eq!((loaded.name.as_str(), problems(&loaded)), ("emacs", vec![]));
        assert_eq!(find(&loaded.keymap, "ctrl-n"), does(Action::CursorDown));
        let loaded = load(own.path(), Some("vim"), Some("arrows"));
        assert_eq!(loaded.name, "arrows");
        assert_eq!(find(&loaded.keymap, "right"), does(Action::DetailOpen));
        assert_eq!(find(&loaded.keymap, "x"), does(Action::IncidentAck), "the own entries stay");
    }

    #[test]
    fn a_file_of_ones_own_is_a_keymap_by_its_name() {
        let dir = home(&[
            ("keymaps/left.toml", "extends = \"arrows\"\n[stream]\n\"x\" = \"incident.ack\"\n"),
            ("keymaps/plain.toml", "[stream]\n\"x\" = \"incident.note\"\n"),
            ("keymap.toml", "extends = \"keymaps/left.toml\"\n"),
        ]);
        let loaded = load(dir.path(), None, None);
        assert_eq!(problems(&loaded), [""; 0]);
        assert_eq!(find(&loaded.keymap, "x"), does(Action::IncidentAck));
        assert_eq!(find(&loaded.keymap, "j"), Found::Actions(vec![]), "arrows lies below");
        assert_eq!(loaded.names, ["default", "vim", "arrows", "emacs", "left", "plain"]);
        let plain = load(dir.path(), None, Some("plain"));
        assert_eq!(find(&plain.keymap, "x"), does(Action::IncidentNote));
        assert_eq!(find(&plain.keymap, "j"), does(Action::CursorDown), "who names nothing lies over the default");
    }

    #[test]
    fn what_cannot_be_had_is_told_and_the_default_holds() {
        let check = |files: &[(&str, &str)], set, expect: &str| {
            let dir = home(files);
            let loaded = load(dir.path(), set, None);
            assert!(problems(&loaded).iter().any(|one| one.starts_with(expect)), "{:?}", problems(&loaded));
            assert_eq!(find(&loaded.keymap, "a"), does(Action::IncidentAck));
            assert_eq!(loaded.name, "default");
        };
        check(&[], Some("vmi"), "config.toml:7: unknown keymap \"vmi\", did you mean \"vim\"?");
        check(&[], Some("../../etc/passwd"), "config.toml:7: unknown keymap");
        check(&[("keymap.toml", "\nextends = \"mine\"\n")], None, "keymap.toml:2: unknown keymap \"mine\"");
        let long = format!("#{}", "x".repeat(70_000));
        check(&[("keymap.toml", &long)], None, "keymap.toml:1: cannot be read: longer than 65536 bytes");
        let circle = [("keymaps/a.toml", "extends = \"b\"\n"), ("keymaps/b.toml", "extends = \"a\"\n")];
        let dir = home(&circle);
        let loaded = load(dir.path(), Some("a"), None);
        assert!(problems(&loaded)[0].contains("do two extend each other?"), "{:?}", problems(&loaded));
        assert_eq!(find(&loaded.keymap, "a"), does(Action::IncidentAck));
    }

    #[test]
    fn what_extends_nothing_keeps_the_way_to_the_command_line() {
        let dir = home(&[("keymap.toml", "extends = \"none\"\n")]);
        let loaded = load(dir.path(), None, None);
        assert_eq!(problems(&loaded), [""; 0]);
        assert_eq!(find(&loaded.keymap, "a"), Found::Nothing);
        assert_eq!(find(&loaded.keymap, ":"), does(Action::CommandOpen));
    }
}

mod shipped {
    use super::*;

    fn named(name: &str) -> Loaded {
        Library::shipped().load(None, Some(name))
    }

    /// Where a key of this context is looked up, the nearest first.
    fn stack(context: Context) -> Vec<Context> {
        if context.asks() || context == Context::Global { vec![context] } else { vec![context, Context::Global] }
    }

    fn reached(keymap: &Keymap, context: Context) -> BTreeSet<&'static str> {
        let reached = |action: &&Action| !keymap.keys_of(**action, &stack(context)).is_empty();
        Action::ALL.iter().filter(reached).map(|action| action.name()).collect()
    }

    #[test]
    fn every_keymap_loads_without_a_problem_and_counts_every_line() {
        for name in NAMES {
            let loaded = named(name);
            assert_eq!((loaded.problems, loaded.name.as_str()), (vec![], name));
            let text = std::fs::read_to_string(format!("{}/keymaps/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
            let here = format!("keymaps/{name}.toml");
            let bound = loaded.keymap.bindings().iter().filter(|binding| *binding.origin.file == *here).count();
            assert_eq!(bound, text.matches("\n\"").count(), "{name}: an entry of the file is not in the keymap");
        }
    }

    #[test]
    fn every_action_has_a_key_or_a_short_command() {
        let keymap = Keymap::builtin();
        for action in print::unbound(&keymap) {
            let spoken = crate::tui::update::spoken(action);
            assert!(
                spoken != action.name(),
                "{} has neither a key in keymaps/default.toml nor a short name: add one to COMMANDS in update/command.rs",
                action.name()
            );
        }
    }

    #[test]
    fn what_the_default_reaches_every_keymap_reaches() {
        for name in NAMES {
            let keymap = named(name).keymap;
            for (place, context) in Context::ALL {
                let (must, can) = (reached(&Keymap::builtin(), context), reached(&keymap, context));
                let lost: Vec<_> = must.difference(&can).collect();
                assert!(lost.is_empty(), "keymaps/{name}.toml has no key in [{place}] for {lost:?}, which default has");
            }
        }
    }

    #[test]
    fn no_keymap_binds_a_key_twice_or_one_that_cannot_be_told_from_another() {
        for name in NAMES {
            let keymap = named(name).keymap;
            for (index, one) in keymap.bindings().iter().enumerate() {
                let alike = |other: &&Binding| other.context == one.context && other.begins_alike(&one.keys);
                let other = keymap.bindings()[index + 1..].iter().find(alike);
                assert!(other.is_none(), "{name}: {} and {}", one.label(), other.map_or(String::new(), Binding::label));
            }
        }
    }

    #[test]
    fn no_keymap_does_what_is_avoided_on_purpose() {
        let verbs =
            "ctrl-a ctrl-b ctrl-g ctrl-p ctrl-t ctrl-n ctrl-h ctrl-o ctrl-s ctrl-q ctrl-k delete backspace d x enter";
        for name in NAMES {
            for binding in named(name).keymap.bindings().iter().filter(|binding| !binding.is_none()) {
                let first = binding.keys[0];
                let place = format!("{name}: {} in [{}]", binding.label(), binding.context.name());
                let is_verb = binding.actions().any(|action| action.reaches_others() && action != Action::InboxDismiss);
                let avoided = verbs.split(' ').any(|key| KeyPress::parse(key) == Some(first));
                assert!(!(avoided && is_verb), "{place} is a verb");
                let letter = matches!(first.key, crate::tui::key::Key::Char(c) if c.is_alphabetic());
                assert!(!(first.alt && letter), "{place}: Alt and a letter fall apart on a slow link");
                let panes = [Context::Global, Context::Stream, Context::Detail, Context::Runbook];
                let kept = panes.contains(&binding.context);
                let plain = |key| KeyPress::parse(key) == Some(first);
                assert!(!(kept && (plain("d") || plain("x"))), "{place}: d and x do nothing anywhere");
                let doubles = binding.keys.len() == 2 && binding.keys[0] == binding.keys[1];
                assert!(!(doubles && is_verb), "{place}: a key pressed twice is no guard");
                for key in &binding.keys {
                    let doubt = crate::tui::key::doubt(&key.to_string());
                    assert!(doubt.is_none(), "{place} may not come: {doubt:?}");
                }
            }
        }
    }

    #[test]
    fn no_letter_moves_in_arrows() {
        let keymap = named("arrows").keymap;
        let moves =
            |action: Action| action.group() == crate::tui::action::Group::Move && action.name().starts_with("cursor.");
        for binding in keymap.bindings().iter().filter(|binding| binding.actions().any(moves)) {
            let has_letter = binding
                .keys
                .iter()
                .any(|press| matches!(press.key, crate::tui::key::Key::Char(c) if c.is_alphabetic()));
            assert!(!has_letter, "{} in [{}] moves", binding.label(), binding.context.name());
        }
    }

    #[test]
    fn what_is_dumped_is_read_back_as_the_same() {
        for name in NAMES {
            let keymap = named(name).keymap;
            let text = dump(&keymap, name);
            let (back, problems) = Keymap::builtin().overlaid(&text, "dump.toml");
            assert_eq!(problems, []);
            for (_, context) in Context::ALL {
                let of = |keymap: &Keymap| -> Vec<Binding> {
                    keymap.bindings().iter().filter(|one| one.context == context).cloned().collect()
                };
                assert_eq!(of(&back), of(&keymap), "{name}");
            }
        }
        let own = over(
            "[stream]\n\"-\" = [{ when = \"marked\", action = \"mark.clear\", desc = \"no \\\"marks\\\"\" }, { action = [\"view.back\", \"cursor.top\"] }]\n",
        );
        let (back, problems) = Keymap::builtin().overlaid(&dump(&own, "own"), "dump.toml");
        assert_eq!(problems, []);
        let keys = KeyPress::parse_sequence("-").unwrap();
        let of = |keymap: &Keymap| keymap.bindings().iter().find(|one| one.keys == keys).cloned();
        assert_eq!(of(&back), of(&own));
    }

    #[test]
    fn a_key_is_explained_with_its_place() {
        let keymap = over("[detail]\n\"a\" = { action = \"incident.note\", desc = \"jot\" }\n");
        let explained = |keys: &str| explain(&keymap, &KeyPress::parse_sequence(keys).unwrap(), keys).join("\n");
        let a = explained("a");
        assert!(a.contains("stream   incident.ack") && a.contains("keymaps/default.toml:"), "{a}");
        assert!(a.contains("detail   incident.note          jot") && a.contains("keymap.toml:2"), "{a}");
        assert!(explained("g").contains("then g: cursor.top"), "{}", explained("g"));
        assert_eq!(explained("f9"), "f9 does nothing");
        assert!(explained("ctrl-i").contains("terminals send Tab"), "{}", explained("ctrl-i"));
    }

    #[test]
    fn a_list_for_programs_has_every_action() {
        let objects = json(&Keymap::builtin());
        for action in Action::ALL {
            let has =
                objects.iter().any(|one| one["actions"].as_array().unwrap().iter().any(|name| name == action.name()));
            assert!(has, "{}", action.name());
        }
    }
}
