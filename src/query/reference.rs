//! The language in one table: for the help, the README and `nightdesk query`.

use super::field::{FIELDS, Kind};

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is written.
    pub write: String,
    /// What it means.
    pub means: String,
}

/// Lines that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// How parts are put together, and what signs there are.
const WHOLE: &[(&str, &str)] = &[
    ("disk full", "words: each stands somewhere in its number, summary, service, owner or label values, in any case"),
    ("\"disk full\"", "the same for a phrase; `\\\"`, `\\\\` and `\\n` within quotes"),
    ("a b, a and b", "both"),
    ("a or b", "one of both; `and` binds closer"),
    ("not a, -a, !a", "the opposite"),
    ("(a or b) c", "brackets, up to 32 deep"),
];
const SIGNS: &[(&str, &str)] = &[
    ("{service=\"pay\", cluster=~\"eu-.*\"}", "labels, exactly as Alertmanager means them; an absent label is empty"),
    ("cluster=eu-1", "a label, without braces; `label.severity` where a field has the same name"),
    ("\"weird name\"=x", "a label with any name"),
    ("=  !=", "exactly this, anything else"),
    ("=~  !~", "a regular expression matches the whole value, or does not"),
    (":", "any of several, in any case, `*` for anything: `cluster:eu-*,us-1`; `pod:*` is any pod"),
    ("<  <=  >  >=", "numbers, severities (`severity<=3` is S1 to S3), spans of time (`age<1h30m`; s, m, h, d, w)"),
];

/// Returns the language: what there is to write, and what it means.
pub fn reference() -> Vec<Section> {
    let lines = |table: &[(&str, &str)]| {
        table.iter().map(|(write, means)| Line { write: (*write).to_owned(), means: (*means).to_owned() }).collect()
    };
    let fields = FIELDS.iter().map(|field| {
        let words = match field.kind {
            Kind::Words(words) => {
                let words: Vec<&str> = words.iter().map(|word| word.word).collect();
                format!(": {}", words.join(", "))
            }
            _ => String::new(),
        };
        let also =
            if field.aliases.is_empty() { String::new() } else { format!(" (also {})", field.aliases.join(", ")) };
        Line { write: field.example.to_owned(), means: format!("{}{words}{also}", field.help) }
    });
    vec![
        Section { title: "Words", lines: lines(WHOLE) },
        Section { title: "Labels and signs", lines: lines(SIGNS) },
        Section { title: "Fields", lines: fields.collect() },
    ]
}

/// Returns the reference as tables for the README.
pub fn markdown() -> String {
    let cell = |text: &str| text.replace('|', "\\|");
    let section = |section: &Section| {
        let rows: String =
            section.lines.iter().map(|line| format!("| `{}` | {} |\n", cell(&line.write), cell(&line.means))).collect();
        format!("| {} | |\n|---|---|\n{rows}", section.title)
    };
    reference().iter().map(section).collect::<Vec<_>>().join("\n")
}

/// Returns the reference as lines for a terminal, aligned.
pub fn plain() -> String {
    let sections = reference();
    let width = sections.iter().flat_map(|section| &section.lines).map(|line| line.write.len()).max().unwrap_or(0);
    let section = |section: &Section| {
        let rows: String =
            section.lines.iter().map(|line| format!("  {:width$}  {}\n", line.write, line.means)).collect();
        format!("{}\n{rows}", section.title)
    };
    sections.iter().map(section).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::Query;
    use super::*;

    /// Before and behind the reference in the README.
    const MARKS: [&str; 2] = ["<!-- nightdesk query reference --markdown -->\n\n", "<!-- end of query reference -->"];

    #[test]
    fn every_example_is_a_query() {
        for line in reference().iter().flat_map(|section| &section.lines) {
            // A cell may hold several ways to write it, or signs alone.
            let of_signs = line.write.chars().all(|c| "=!~<>: ".contains(c));
            let ways: Vec<&str> =
                if line.write.starts_with('{') { vec![&line.write] } else { line.write.split(", ").collect() };
            for way in ways.into_iter().filter(|_| !of_signs) {
                assert!(Query::parse(way).is_ok(), "{way}: {:?}", Query::parse(way));
            }
        }
    }

    #[test]
    fn the_readme_says_what_the_table_says() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let is = std::fs::read_to_string(&path).expect("the README");
        let (before, rest) = is.split_once(MARKS[0]).expect("the README marks where the reference begins");
        let (_, behind) = rest.split_once(MARKS[1]).expect("the README marks where the reference ends");
        let must = format!("{before}{}{}\n{}{behind}", MARKS[0], markdown(), MARKS[1]);
        if is != must && std::env::var_os("NIGHTDESK_WRITE").is_some() {
            return std::fs::write(&path, must).expect("the file can be written");
        }
        assert!(is == must, "NIGHTDESK_WRITE=1 cargo test --lib query::reference writes the README anew");
    }
}
