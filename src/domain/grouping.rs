//! Which incident a series speaks of where no rule says otherwise.

use super::label::Labels;
use super::series::Series;

/// The labels that tell problems of the same name apart, where present.
const SCOPE: [&str; 4] = ["cluster", "namespace", "service", "job"];

/// Annotations that say in a line what is wrong, best first.
const SUMMARIES: [&str; 5] = ["summary", "title", "message", "description", "info"];

/// What a series says of its incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Equal for all series of one problem; JSON, so that no value can forge another key.
    pub key: String,
    /// The service it is about; empty when no label says.
    pub service: String,
    /// One line for people.
    pub summary: String,
}

/// Returns the group of a series: `alertname` plus all that are present of cluster, namespace, service, job.
///
/// The key crosses sources, so the same alert by two ways is one incident. A series without `alertname` says too little to be lumped
/// with another, and stands alone by all its labels.
pub fn group(series: &Series) -> Group {
    group_of(&series.labels, &series.annotations)
}

/// Returns the group of what has these labels and these words; see [`group`].
pub fn group_of(labels: &Labels, annotations: &Labels) -> Group {
    let scope = labels.iter().filter(|(name, _)| *name == "alertname" || SCOPE.contains(name)).collect::<Vec<_>>();
    let key = match labels.get("alertname") {
        Some(_) => serde_json::to_string(&scope),
        None => serde_json::to_string(&labels.iter().collect::<Vec<_>>()),
    };
    Group {
        key: key.expect("pairs of texts are JSON"),
        service: service(labels).to_owned(),
        summary: summary_of(labels, annotations),
    }
}

/// Returns the service that the labels name: `service`, else `job`, `namespace`, `instance`; empty when there is none.
pub fn service(labels: &Labels) -> &str {
    ["service", "job", "namespace", "instance"].iter().find_map(|name| labels.get(name)).unwrap_or_default()
}

/// Returns one line that says what is wrong: an annotation, else the name of the alert, else its labels.
pub fn summary(series: &Series) -> String {
    summary_of(&series.labels, &series.annotations)
}

/// Returns one line that says what is wrong with what has these labels and these words; see [`summary`].
pub fn summary_of(labels: &Labels, annotations: &Labels) -> String {
    let said = SUMMARIES.iter().find_map(|name| annotations.get(name));
    let alert = labels.get("alertname").unwrap_or_default();
    match said.and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty())) {
        Some(line) => cut(line),
        None if !alert.is_empty() => alert.to_owned(),
        None => {
            let pairs: Vec<String> = labels.iter().take(4).map(|(name, value)| format!("{name}={value}")).collect();
            cut(&pairs.join(" "))
        }
    }
}

/// Returns a summary of bearable length; what is longer ends with a sign.
pub(crate) fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::{Alert, End, Event};
    use super::super::id::SourceName;
    use super::super::label::{IdentityRule, LabelLimits};
    use super::super::time::Timestamp;
    use super::*;

    fn group_of(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Group {
        let alert = Alert {
            labels: Labels::new(labels.iter().copied(), &LabelLimits::LABELS).unwrap(),
            annotations: Labels::new(annotations.iter().copied(), &LabelLimits::ANNOTATIONS).unwrap(),
            starts_at: None,
            end: End::Open,
            generator_url: String::new(),
        };
        let source = SourceName::parse("prometheus").unwrap();
        let event = Event::new(source, alert, &IdentityRule::default(), Timestamp::from_millis(0));
        group(&Series::begin(&event).0)
    }

    #[test]
    fn instances_of_one_problem_share_a_group_and_clusters_do_not() {
        let of = |cluster, instance| {
            group_of(&[("alertname", "Down"), ("cluster", cluster), ("instance", instance)], &[]).key
        };
        assert_eq!(of("eu", "a"), of("eu", "b"));
        assert_ne!(of("eu", "a"), of("us", "a"));
    }

    #[test]
    fn series_without_a_name_stand_alone() {
        assert_ne!(group_of(&[("a", "1")], &[]).key, group_of(&[("a", "2")], &[]).key);
    }

    #[test]
    fn the_summary_is_the_first_line_that_says_something() {
        let labels = [("alertname", "Down"), ("job", "node")];
        assert_eq!(group_of(&labels, &[("description", "\n  all is lost\nmore")]).summary, "all is lost");
        assert_eq!(group_of(&labels, &[]).summary, "Down");
        assert_eq!(group_of(&labels, &[]).service, "node");
    }
}
