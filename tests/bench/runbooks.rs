//! Runbooks: what a reader must look at when the corpus's real ones changed, beside what `git diff` shows; and what opening and comparing take.

use super::Options;
use super::support::{corpus, measure};
use nightdesk::runbook::{Page, Runbook, changes};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const WIDTH: usize = 80;
/// Runbooks that are opened, and their bytes in all.
const OPENED: usize = 1_000;
const OPENED_BYTES: usize = 2 << 20;
/// Lines of each of two revisions that are compared.
const LONG: usize = 5_000;

/// A change from one revision to the next: lines to look at.
struct Change {
    what: String,
    ours: usize,
    git: usize,
}

/// Prints the tables.
pub fn run(_options: &Options) {
    let (files, pages) = revisions();
    table(&files);
    opening(&pages);
    comparing(&pages);
}

/// Returns each file with the one before it, and all texts.
fn revisions() -> (Vec<[String; 2]>, Vec<String>) {
    let index = corpus::read("runbooks/index.json");
    let (mut pairs, mut texts) = (Vec::new(), Vec::new());
    for runbook in index["runbooks"].as_array().expect("a list of runbooks") {
        let revisions = runbook["revisions"].as_array().expect("a list of revisions").iter();
        let files: Vec<String> =
            revisions.map(|revision| revision["file"].as_str().expect("a file").to_owned()).collect();
        pairs.extend(files.windows(2).map(|pair| [pair[0].clone(), pair[1].clone()]));
        texts.extend(files.iter().map(|file| String::from_utf8_lossy(&bytes(file)).into_owned()));
    }
    (pairs, texts)
}

fn bytes(file: &str) -> Vec<u8> {
    std::fs::read(corpus::folder().join("runbooks").join(file)).expect("a runbook of the corpus")
}

/// Returns the page of a file; where its front matter is broken, all of it is text.
fn page(file: &str) -> Page {
    let bytes = bytes(file);
    let whole = |_| Page::read(&String::from_utf8_lossy(&bytes), 1);
    Runbook::read(&bytes, file).map_or_else(whole, |runbook| runbook.page())
}

fn table(files: &[[String; 2]]) {
    let root = corpus::folder().join("runbooks");
    let change = |[old, new]: &[String; 2]| {
        let hunks = changes(&page(old), &page(new)).hunks;
        let ours = hunks.iter().map(|hunk| hunk.lines(WIDTH).len()).sum();
        Change { what: new.clone(), ours, git: git(&root, old, new) }
    };
    let all: Vec<Change> = files.iter().map(change).collect();
    println!("lines that a reader must look at, at {WIDTH} columns\n\n ours   git  change to");
    all.iter().for_each(|one| println!("{:>5} {:>5}  {}", one.ours, one.git, one.what));
    let say = |name: &str, of: &dyn Fn(&Change) -> usize| {
        let mut lines: Vec<u32> = all.iter().map(|one| of(one) as u32).collect();
        lines.sort_unstable();
        let total: u32 = lines.iter().sum();
        let at = |hundredth| measure::percentile(&lines, hundredth);
        println!("{name:<5} total {total:>6}  median {:>3}  p90 {:>4}  most {:>4}", at(50), at(90), at(100));
    };
    println!("\n{} changes", all.len());
    say("ours", &|one| one.ours);
    say("git", &|one| one.git);
    let count = |of: &dyn Fn(&Change) -> bool| all.iter().filter(|one| of(one)).count();
    println!("{} need no reading at all (layout alone)", count(&|one| one.ours == 0));
    println!("{} are longer than in git diff", count(&|one| one.ours > one.git));
}

/// Returns how many lines `git diff` prints.
fn git(root: &Path, old: &str, new: &str) -> usize {
    let said = Command::new("git").args(["diff", "--no-index", "--", old, new]).current_dir(root).output();
    said.expect("git").stdout.iter().filter(|byte| **byte == b'\n').count()
}

/// Takes the time of some work, in microseconds, sorted.
fn times<T>(of: impl Iterator<Item = T>, mut work: impl FnMut(T)) -> Vec<u32> {
    let mut all: Vec<u32> = of
        .map(|one| {
            let began = Instant::now();
            work(one);
            began.elapsed().as_micros() as u32
        })
        .collect();
    all.sort_unstable();
    all
}

fn opening(texts: &[String]) {
    let mut books: Vec<String> = Vec::new();
    let mut left = OPENED_BYTES;
    let short: Vec<&String> = texts.iter().filter(|text| text.len() < 2 * OPENED_BYTES / OPENED).collect();
    for at in 0..OPENED {
        // The last ones take what is left, so that there are long ones, too.
        let text =
            if left > (OPENED - at) * 1_000 { texts[at % texts.len()].as_str() } else { short[at % short.len()] };
        books.push(text.to_owned());
        left = left.saturating_sub(text.len());
    }
    let total: usize = books.iter().map(String::len).sum();
    for width in [80, 120] {
        let mut lines = 0;
        let took = times(books.iter(), |text| {
            if let Ok(runbook) = Runbook::read(text.as_bytes(), "x") {
                lines += runbook.page().lines(width, &()).len();
            }
        });
        println!(
            "opening {OPENED} runbooks of {total} bytes in all at {width} columns ({lines} lines): p50 {} µs, p99 {} µs, worst {} µs",
            measure::percentile(&took, 50),
            measure::percentile(&took, 99),
            measure::percentile(&took, 100)
        );
    }
}

fn comparing(texts: &[String]) {
    let mut old: Vec<&str> =
        texts.iter().flat_map(|text| text.lines()).filter(|line| *line != "---").take(LONG).collect();
    old.resize(LONG, "");
    let mut cases: Vec<(&str, String, String)> = Vec::new();
    let joined = |lines: &[String]| lines.join("\n");
    let lines: Vec<String> = old.iter().map(|line| (*line).to_owned()).collect();
    let each = |nth: usize| {
        let changed = |(at, line): (usize, &String)| {
            if at % nth == 0 { line.replace("the ", "this ") + " now" } else { line.clone() }
        };
        lines.iter().enumerate().map(changed).collect::<Vec<_>>()
    };
    cases.push(("every 50th line changed", joined(&lines), joined(&each(50))));
    cases.push(("every 2nd line changed", joined(&lines), joined(&each(2))));
    let mut turned = lines[LONG / 2..].to_vec();
    turned.extend_from_slice(&lines[..LONG / 2]);
    cases.push(("the halves swapped", joined(&lines), joined(&turned)));
    cases.push(("the lines backwards", joined(&lines), joined(&lines.iter().rev().cloned().collect::<Vec<_>>())));
    let made = |word: &str| {
        (0..LONG).fold(String::new(), |mut text, at| {
            let _ = writeln!(text, "- {word}{at} is {word} of {word}{}", at * 7);
            text
        })
    };
    cases.push(("nothing in common", made("a"), made("b")));
    cases.push(("one line, 2500 and 2000 times", "same\n\n".repeat(LONG / 2), "same\n\n".repeat(2_000)));
    for (what, old, new) in cases {
        let (old, new) = (Page::read(&old, 1), Page::read(&new, 1));
        let mut shown = 0;
        let took = times(0..9, |_| shown = changes(&old, &new).hunks.len());
        let lines =
            times(0..3, |_| drop(changes(&old, &new).hunks.iter().map(|hunk| hunk.lines(WIDTH)).collect::<Vec<_>>()));
        let millis = |micros: u32| Duration::from_micros(u64::from(micros)).as_secs_f64() * 1e3;
        println!(
            "comparing {LONG} lines, {what}: {:.1} ms (worst {:.1}), with all of its lines {:.1} ms; {shown} hunks",
            millis(measure::percentile(&took, 50)),
            millis(measure::percentile(&took, 100)),
            millis(measure::percentile(&lines, 50))
        );
    }
}
