//! Links that alerts bring, and texts to copy: what of them is safe to hand on, and how it is written.

use crate::domain::incident::Incident;
use crate::domain::item::Service;
use crate::domain::series::{Series, common_labels};
use crate::domain::text::SafeText;
use crate::sync::picture::Detail;

/// Most links of an incident that are listed: as many as there are digits.
pub(crate) const LINKS_MAX: usize = 9;
/// Longest link that is taken.
const URL_BYTES_MAX: usize = 2048;
/// Annotations that hold links, as people name them, and what they lead to.
const ANNOTATIONS: [(&str, &str); 9] = [
    ("runbook_url", RUNBOOK),
    ("runbook", RUNBOOK),
    ("dashboard_url", "dashboard"),
    ("dashboardURL", "dashboard"),
    ("dashboard", "dashboard"),
    ("panel_url", "panel"),
    ("panelURL", "panel"),
    ("silence_url", "silence"),
    ("silenceURL", "silence"),
];
const RUNBOOK: &str = "runbook";
const SOURCE: &str = "source";
/// By the hub's catalogue of services.
const SERVICE: &str = "service";

/// A link over http or https, as it would be opened: printable ASCII, for everything else is written out in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// What it leads to.
    pub(crate) kind: &'static str,
    pub(crate) url: String,
    /// Host and port, whole: where it really leads.
    pub(crate) host: String,
    /// What makes it look like another one.
    pub(crate) warnings: Vec<&'static str>,
}

impl Link {
    /// Reads a link; `None` where it is not one that may be opened.
    pub(crate) fn read(kind: &'static str, text: &str) -> Option<Self> {
        let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let named = !url.username().is_empty() || url.password().is_some();
        let userinfo = named.then_some("BEWARE: what stands before the @ is a name, not the host");
        let foreign = host.split(['.', ':']).any(|part| part.starts_with("xn--"));
        let script = foreign.then_some("BEWARE: xn-- stands for letters of other scripts, which may look like yours");
        let warnings = userinfo.into_iter().chain(script).collect();
        let url = String::from(url);
        let plain = url.len() <= URL_BYTES_MAX && url.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then_some(Self { kind, url, host, warnings })
    }
}

/// Returns the incident's links, runbooks first, each once.
pub(crate) fn links(detail: &Detail) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    let mut put = |kind, text: &str| {
        if links.len() < LINKS_MAX
            && let Some(link) = Link::read(kind, text)
            && links.iter().all(|other| other.url != link.url)
        {
            links.push(link);
        }
    };
    for (name, kind) in ANNOTATIONS {
        detail.series.iter().filter_map(|series| series.annotations.get(name)).for_each(|text| put(kind, text));
    }
    detail.series.iter().for_each(|series| put(SOURCE, &series.generator_url));
    links
}

/// Adds the links that the catalogue has of the incident's service.
pub(crate) fn with_service(mut links: Vec<Link>, service: Option<&Service>) -> Vec<Link> {
    let urls = service.iter().flat_map(|service| service.links.values());
    for link in urls.filter_map(|url| Link::read(SERVICE, url)) {
        if links.len() < LINKS_MAX && links.iter().all(|other| other.url != link.url) {
            links.push(link);
        }
    }
    links
}

/// Returns the link to where the alert comes from, else to a dashboard.
pub(crate) fn main_link(detail: &Detail) -> Option<Link> {
    let source = detail.series.iter().find_map(|series| Link::read(SOURCE, &series.generator_url));
    source.or_else(|| links(detail).into_iter().find(|link| link.kind != RUNBOOK))
}

/// Returns the link to the runbook.
pub(crate) fn runbook(detail: &Detail) -> Option<Link> {
    links(detail).into_iter().find(|link| link.kind == RUNBOOK)
}

/// Returns the labels that all series have in common as a matcher for Prometheus and Alertmanager, and how many had to be left out because
/// they hold what a person cannot see.
pub(crate) fn matcher(series: &[Series]) -> (String, usize) {
    let mut common = common_labels(series);
    let all = common.len();
    let seen = |text: &str| text.split('\n').all(|line| SafeText::line(line, usize::MAX).as_str() == line);
    common.retain(|name, value| seen(name) && seen(value));
    let pair = |(name, value): (&String, &String)| format!("{}=\"{}\"", label(name), escaped(value));
    let pairs: Vec<String> = common.iter().map(pair).collect();
    (format!("{{{}}}", pairs.join(",")), all - common.len())
}

/// Returns the name as a matcher writes it: what is no classic name stands in quotes (Prometheus 3, Alertmanager 0.27).
fn label(name: &str) -> String {
    let classic = |(at, c): (usize, char)| c.is_ascii_alphabetic() || c == '_' || (at > 0 && c.is_ascii_digit());
    if name.char_indices().all(classic) { name.to_owned() } else { format!("\"{}\"", escaped(name)) }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Returns the incident in one line of Markdown: pasted into a shell by mistake, it waits for Enter.
pub(crate) fn markdown(incident: &Incident, detail: Option<&Detail>) -> String {
    let severity = incident.severity.map_or("S?".to_owned(), |severity| severity.to_string());
    let owner = incident.owner.as_ref().map_or("nobody has it".to_owned(), |owner| format!("{owner} has it"));
    let state = incident.shown().word();
    let tally = incident.tally;
    let mut text = format!(
        "**{} {severity} {}**: {} ({} since {}, {}; {} firing, {} unknown, {} over)",
        incident.number,
        plain(&incident.service),
        plain(&incident.summary),
        plain(state),
        plain(&incident.since.date_and_second()),
        plain(&owner),
        tally.firing,
        tally.unknown,
        tally.over,
    );
    for link in detail.map(links).unwrap_or_default().into_iter().take(3) {
        // Brackets would end it; in a link they are as good written out.
        let url = link.url.replace('<', "%3C").replace('>', "%3E");
        text.push_str(&format!(" {}: <{url}>", link.kind));
    }
    text
}

/// Returns the text with every sign that Markdown reads taken for itself.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '{'
                | '}'
                | '['
                | ']'
                | '<'
                | '>'
                | '('
                | ')'
                | '#'
                | '|'
                | '~'
                | '&'
                | '!'
                | '$'
                | '@'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, String, usize)> {
        Link::read(SOURCE, text).map(|link| (link.host, link.url, link.warnings.len()))
    }

    #[test]
    fn the_catalogues_links_stand_behind_those_of_the_alerts_each_once() {
        let urls = [("graphs", "https://g.example/pay"), ("repo", "https://r.example/pay"), ("bad", "javascript:1")];
        let links = urls.map(|(name, url)| (name.to_owned(), url.to_owned())).into();
        let service = Service { name: "pay".into(), team: String::new(), criticality: None, links };
        let own = vec![Link::read("runbook", "https://r.example/pay").unwrap()];
        let all = with_service(own, Some(&service));
        let told: Vec<_> = all.iter().map(|link| (link.kind, link.url.as_str())).collect();
        assert_eq!(told, [("runbook", "https://r.example/pay"), ("service", "https://g.example/pay")]);
    }

    #[test]
    fn a_link_says_where_it_leads() {
        let is = |text, host: &str, url: &str, warnings| {
            assert_eq!(read(text), Some((host.into(), url.into(), warnings)), "{text}");
        };
        is("http://prometheus:9090/graph?g0=x y", "prometheus:9090", "http://prometheus:9090/graph?g0=x%20y", 0);
        is("https://grafana.example@evil.example/x", "evil.example", "https://grafana.example@evil.example/x", 1);
        is("https://gr\u{0430}fana.example/", "xn--grfana-4nf.example", "https://xn--grfana-4nf.example/", 1);
        is("HTTPS://EXAMPLE.COM", "example.com", "https://example.com/", 0);
        is("https://a.example/\u{202e}gpj", "a.example", "https://a.example/%E2%80%AEgpj", 0);
        is("https://a.example\\@b.example/", "a.example", "https://a.example/@b.example/", 0);
        for wrong in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "-oProxyCommand=x",
            "http://",
            "",
            "ssh://host",
            "//host/x",
            "data:text/html,x",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&format!("https://a.example/{}", "x".repeat(3000))), None);
    }

    #[test]
    fn markdown_reads_nothing_of_what_others_wrote() {
        assert_eq!(plain("a*b_[x](y)<b>`"), "a\\*b\\_\\[x\\]\\(y\\)\\<b\\>\\`");
        assert_eq!(plain("$(reboot) @all"), "\\$\\(reboot\\) \\@all");
    }

    #[test]
    fn names_and_values_are_written_as_matchers_read_them() {
        assert_eq!(
            (label("job_1").as_str(), label("1job"), label("a.b")),
            ("job_1", "\"1job\"".into(), "\"a.b\"".into())
        );
        assert_eq!(escaped("C:\\x \"y\"\nz"), "C:\\\\x \\\"y\\\"\\nz");
    }
}
