//! What changed between two texts: how real and made changes read, and what must hold of all.

use super::super::*;
use super::{lines_hold, runbook};
use proptest::prelude::*;
use std::collections::BTreeSet;

fn between(old: &str, new: &str) -> Changes {
    changes(&Page::read(old, 1), &Page::read(new, 1))
}

fn marked(changes: &Changes, width: usize) -> String {
    let hunks = changes.hunks.iter().map(|hunk| {
        let lines = hunk.lines(width);
        lines_hold(&lines, width, "a hunk");
        lines.iter().map(|line| line.marked() + "\n").collect::<String>()
    });
    hunks.collect::<Vec<_>>().join("\n")
}

/// Returns the words that are marked so.
fn words_of(changes: &Changes, mark: Mark) -> BTreeSet<String> {
    let lines = changes.hunks.iter().flat_map(|hunk| hunk.lines(4000));
    let spans = lines.flat_map(|line| line.spans).filter(|span| span.mark == mark && span.role != Role::Marker);
    let texts: Vec<String> = spans.map(|span| span.text.as_str().to_owned()).collect();
    texts.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
}

#[test]
fn one_word_in_a_reflowed_paragraph_is_all_that_is_marked() {
    let old = "# A\n\nThe disk of the node fills up when the log is\nnever rotated, which happens at night.\n";
    let new = "# A\n\nThe disk of the node fills up when the journal\nis never rotated,\nwhich happens at night.\n";
    let changes = between(old, new);
    assert_eq!(changes.hunks.len(), 1);
    assert_eq!(words_of(&changes, Mark::Removed), BTreeSet::from(["log".to_owned()]));
    assert_eq!(words_of(&changes, Mark::Added), BTreeSet::from(["journal".to_owned()]));
    assert_eq!(changes.hunks[0].kind, HunkKind::Changed);
    assert_eq!(changes.hunks[0].line, 3);
}

#[test]
fn other_line_breaks_other_bullets_and_other_spaces_are_no_change() {
    let old = "# A\n\nOne two three\nfour.\n\n* x y\n* z\n\n|a|b|\n|-|-|\n|1|2|\n";
    let new = "A\n=\n\nOne two\nthree   four.\n\n- x\n  y\n\n- z\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
    assert_eq!(between(old, new).hunks, []);
}

#[test]
fn a_step_put_into_a_numbered_list_is_the_only_one_shown_as_new() {
    let old = "1. look at the node\n2. drain the node\n3. reboot the node\n4. tell the team\n";
    let new = "1. look at the node\n2. page the owner\n3. drain the node\n4. reboot the node\n5. tell the team\n";
    let changes = between(old, new);
    let added: Vec<_> = ["owner", "page", "the"].map(str::to_owned).into();
    assert_eq!(words_of(&changes, Mark::Added).into_iter().collect::<Vec<_>>(), added);
    assert!(words_of(&changes, Mark::Removed).is_empty());
}

const SECTIONS: [&str; 3] = [
    "## First\n\nThe first part says how to look at the graphs of the node.\n\n",
    "## Second\n\nThe second part says whom to call when nothing helps at all.\n\nAnd one more paragraph that stays as it is.\n\n",
    "## Third\n\nThe third part says how to write down what was done in the night.\n\n",
];

#[test]
fn a_section_that_stands_elsewhere_is_moved_with_what_changed_in_it() {
    let [first, second, third] = SECTIONS;
    let old = format!("# A\n\n{first}{second}{third}");
    let new = format!("# A\n\n{first}{third}{}", second.replace("whom", "which colleague"));
    let changes = between(&old, &new);
    let moved: Vec<&Hunk> = changes.hunks.iter().filter(|hunk| matches!(hunk.kind, HunkKind::Moved { .. })).collect();
    assert!(moved.len() == 1 && changes.hunks.len() <= 2, "{}", marked(&changes, 80));
    assert!(words_of(&changes, Mark::Removed).len() <= 1, "{}", marked(&changes, 80));
    insta::assert_snapshot!("moved_section", marked(&changes, 80));
}

#[test]
fn what_is_gone_from_a_moved_section_is_told_with_it() {
    let [first, second, third] = SECTIONS;
    let old = format!("# A\n\n{first}{second}{third}");
    let new = format!("# A\n\n{third}{}{first}", second.replace("And one more paragraph that stays as it is.", ""));
    let changes = between(&old, &new);
    let gone = changes.hunks.iter().filter(|hunk| marked(&Changes { hunks: vec![(*hunk).clone()] }, 80).contains("[-"));
    let gone: Vec<&Hunk> = gone.collect();
    assert_eq!(gone.len(), 1, "{}", marked(&changes, 80));
    assert!(marked(&Changes { hunks: vec![gone[0].clone()] }, 80).contains("## Second"), "{}", marked(&changes, 80));
}

#[test]
fn what_was_written_anew_reads_as_old_then_new() {
    let changes = between(
        "# A\n\nRestart the pod and wait until it is ready again.\n",
        "# A\n\nCall whoever keeps this database; never touch it yourself.\n",
    );
    let text = marked(&changes, 80);
    let (gone, new) = (text.find("[-Restart").unwrap(), text.find("{+Call").unwrap());
    assert!(gone < new && text.matches("[-").count() == 1 && text.matches("{+").count() == 1, "{text}");
}

#[test]
fn a_box_a_link_and_a_space_in_code_count() {
    let link = between("see [a](https://one.example)", "see [a](https://two.example)");
    assert_eq!(words_of(&link, Mark::Added), BTreeSet::from(["two".to_owned()]));
    assert_eq!(between("```\na  b\n```\n", "```\na b\n```\n").hunks.len(), 1);
    assert_eq!(between("```\n  key: 1\n```\n", "```\nkey: 1\n```\n").hunks.len(), 1);
}

#[test]
fn real_changes_read_well() {
    let cases = [
        ("rewritten", "kubevirt/CDIStorageProfilesIncomplete.r2.md", "kubevirt/CDIStorageProfilesIncomplete.r3.md"),
        ("code_lines", "gitlab/uncategorized/k8s-oncall-setup.r1.md", "gitlab/uncategorized/k8s-oncall-setup.r2.md"),
        ("added_steps", "gitlab/git/purge-git-data.r1.md", "gitlab/git/purge-git-data.r2.md"),
        (
            "new_sections",
            "prometheus-operator/kubernetes/KubeletTooManyPods.r2.md",
            "prometheus-operator/kubernetes/KubeletTooManyPods.r3.md",
        ),
    ];
    for (name, old, new) in cases {
        let changes = changes(&runbook(old).page(), &runbook(new).page());
        insta::assert_snapshot!(name, marked(&changes, 80));
    }
}

#[test]
fn what_would_cost_a_square_is_bounded() {
    let paragraphs = |word: &str| (0..4_000).map(|at| format!("{word}{at} {word}\n\n")).collect::<String>();
    let one_line = |word: &str| word.repeat(256 * 1024 / word.len());
    let texts = [
        "same\n\n".repeat(10_000),
        "same\n\nother\n\n".repeat(5_000),
        paragraphs("a"),
        paragraphs("b"),
        one_line("a "),
        one_line("b "),
        one_line("ab"),
        format!("```\n{}```\n", "x = 1\n".repeat(10_000)),
        "# x\n\nwords of it\n\n".repeat(5_000),
    ];
    let pages: Vec<Page> = texts.iter().map(|text| Page::read(text, 1)).collect();
    for (at, old) in pages.iter().enumerate() {
        for new in [&pages[at], &pages[(at + 1) % pages.len()], &pages[(at + 2) % pages.len()]] {
            let changes = changes(old, new);
            assert_eq!(changes.hunks.is_empty(), old == new);
            let lines: usize = changes.hunks.iter().take(20).map(|hunk| hunk.lines(80).len()).sum();
            assert!(lines > 0 || old == new);
        }
    }
}

fn words() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[a-e]{1,2}", 1..9)
}

/// Blocks of a text: what begins them, and their words.
fn text() -> impl Strategy<Value = Vec<(&'static str, Vec<String>)>> {
    let begin = prop::sample::select(vec!["", "", "## ", "- ", "1. ", "> ", "    "]);
    prop::collection::vec((begin, words()), 0..12)
}

fn written(blocks: &[(&'static str, Vec<String>)], between: &str) -> String {
    blocks.iter().map(|(begin, words)| format!("{begin}{}\n\n", words.join(between))).collect()
}

fn said(page: &Page) -> BTreeSet<String> {
    let lines = page.lines(4000, &());
    let spans = lines.into_iter().flat_map(|line| line.spans).filter(|span| span.role != Role::Marker);
    let texts: Vec<String> = spans.map(|span| span.text.as_str().to_owned()).collect();
    texts
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

proptest! {
    #[test]
    fn a_text_does_not_differ_from_itself(blocks in text()) {
        let text = written(&blocks, " ");
        prop_assert_eq!(between(&text, &text).hunks, vec![]);
    }

    #[test]
    fn each_word_that_only_one_text_has_is_marked(old in text(), new in text()) {
        let (old, new) = (Page::read(&written(&old, " "), 1), Page::read(&written(&new, " "), 1));
        let changes = changes(&old, &new);
        let (before, after) = (said(&old), said(&new));
        let (gone, come) = (words_of(&changes, Mark::Removed), words_of(&changes, Mark::Added));
        for word in after.difference(&before) {
            prop_assert!(come.contains(word), "{word} is new:\n{}", marked(&changes, 80));
        }
        for word in before.difference(&after) {
            prop_assert!(gone.contains(word), "{word} is gone:\n{}", marked(&changes, 80));
        }
        prop_assert!(come.is_subset(&after) && gone.is_subset(&before), "{}", marked(&changes, 80));
        for width in [8, 20, 80] {
            marked(&changes, width);
        }
    }

    #[test]
    fn other_line_breaks_alone_are_no_change(paragraphs in prop::collection::vec(words(), 0..9)) {
        let blocks: Vec<_> = paragraphs.into_iter().map(|words| ("", words)).collect();
        prop_assert_eq!(between(&written(&blocks, " "), &written(&blocks, "\n")).hunks, vec![]);
    }
}
