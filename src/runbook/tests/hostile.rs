//! Files that are made to harm: each is refused with its line and a clear word, or shown within bounds.

use super::super::*;
use super::lines_hold;

#[track_caller]
fn refused(bytes: &[u8]) -> String {
    let mistake = Runbook::read(bytes, "hostile.md").expect_err("it is refused");
    let said = mistake.to_string();
    assert!(!said.chars().any(char::is_control) && said.chars().count() < 1000, "{said:?}");
    said
}

fn front(text: &str) -> Vec<u8> {
    format!("---\n{text}\n---\n# Words\n").into_bytes()
}

#[test]
fn a_file_that_is_too_long_is_refused_by_its_size() {
    assert_eq!(
        refused(&vec![b'a'; 5 << 20]),
        "line 1: the file has 5242880 bytes, at most 262144 are taken (divide it into several runbooks)"
    );
    assert!(Runbook::read(&vec![b'a'; FILE_BYTES_MAX], "x").is_ok());
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    assert_eq!(refused(b"# a\n\nb\xff\n"), "line 3: the byte 0xff is no UTF-8 (save the file as UTF-8)");
    assert_eq!(refused(b"# a\n\x89PNG\r\n\x00"), "line 3: this is not a text: it holds a NUL byte");
    assert!(refused(b"\xed\xa0\x80").starts_with("line 1: the byte 0xed is no UTF-8"));
}

#[test]
fn anchors_and_aliases_are_refused_wherever_they_hide() {
    let bomb = |first: &str| {
        let mut text = format!("tags: {first}a0 [x,x,x,x,x,x,x,x,x]\n");
        (1..9).for_each(|at| {
            text += &format!("k{at}: it's !x &a{at} [{}]\n", vec![format!("*a{}", at - 1); 9].join(","))
        });
        text
    };
    for text in [
        bomb("&"),
        bomb("!x &"),
        bomb("!!seq &"),
        "tags: !x &a [1]\ntoc: !x *a\n".to_owned(),
        "tags: {it's: &a [1]}\ntoc: *a\n".to_owned(),
        "title: &a x\nowner: *a\n".to_owned(),
        "<<: *a\n".to_owned(),
        "? &a x\n: *a\n".to_owned(),
    ] {
        let said = refused(&front(&text));
        assert!(said.contains("anchors and aliases of YAML"), "{text:?}: {said}");
    }
    for fine in
        ["title: R&D and *bold* words\n", "title: Search & rescue\n", "title: 'a &b'\n", "title: a*b\nowner: c&d\n"]
    {
        assert!(Runbook::read(&front(fine), "x").is_ok(), "{fine:?}");
    }
}

#[test]
fn front_matter_that_is_huge_or_deep_is_refused() {
    let list = |count: usize| format!("runbook_url: [{}]", vec!["u"; count].join(","));
    assert_eq!(refused(&front(&list(65))), "line 2: runbook_url: 65 entries, at most 64 are taken");
    assert!(Runbook::read(&front(&list(64)), "x").is_ok());
    let deep = format!("tags: {}{}", "[".repeat(7_000), "]".repeat(7_000));
    assert!(refused(&front(&deep)).starts_with("line 2: the front matter is no YAML"));
    let deep = (0..170).map(|depth| " ".repeat(depth) + "a:\n").collect::<String>();
    assert!(refused(&front(&format!("menu:\n {}", deep.replace('\n', "\n ").trim_end()))).starts_with("line "));
    assert!(refused(&front(&"a".repeat(20_000))).contains("has no end within 16384 bytes"));
    assert!(
        refused(format!("---\n{}", "tags: x\n".repeat(30_000)).as_bytes()).contains("has no end within 16384 bytes")
    );
    assert!(refused(&front("title: a\ntitle: b")).starts_with("line "));
    assert!(refused(&front("title: [a]")).starts_with("line 2: title: this is no text"));
}

#[test]
fn what_a_terminal_obeys_is_shown_as_signs() {
    let parts = [
        "\u{1b}[2J",
        "\u{1b}]0;x\u{7}",
        "\u{1b}]8;;http://x\u{1b}\\",
        "\u{9b}31m",
        "\u{202e}x",
        "\u{200b}",
        "\u{8}",
        "&#27;[2J",
        "&#x9b;",
    ];
    for part in parts {
        let text = format!(
            "# a {part}\n\n{part} b [{part}](http://{part}) `{part}`\n\n```{part}\n{part}\n```\n\n|{part}|\n|-|\n|{part}|\n\n<b>{part}\n\n- [ ] {part}\n\n[^{part}]: x\n"
        );
        let page = Page::read(&text, 1);
        for width in [8, 80] {
            lines_hold(&page.lines(width, &()), width, part);
            for hunk in changes(&Page::read("# a\n", 1), &page).hunks {
                lines_hold(&hunk.lines(width), width, part);
                assert!(!hunk.path.iter().any(|title| title.as_str().chars().any(char::is_control)));
            }
        }
        assert!(page.outline().iter().all(|heading| !heading.title.as_str().chars().any(char::is_control)), "{part:?}");
        assert!(page.tasks().iter().all(|task| !task.text.as_str().chars().any(char::is_control)), "{part:?}");
    }
}

#[test]
fn five_mebibytes_of_a_page_are_cut() {
    for text in [
        "a b c ".repeat(900_000),
        "- x\n".repeat(1_300_000),
        "x\n\n".repeat(1_700_000),
        "`a` b ".repeat(800_000),
        "|a|b|\n|-|-|\n".to_owned() + &"|1|2|\n".repeat(800_000),
    ] {
        let lines = Page::read(&text, 1).lines(80, &());
        assert!(lines.len() <= page::LINES_MAX);
        assert_eq!(lines.last().unwrap().text(), "‹the text is longer than is shown›", "{:?}", &text[..20]);
    }
}
