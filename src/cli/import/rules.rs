//! Our rules, as they are gathered from another system's.

use super::alertmanager::{Leaf, Receiver, TimeInterval};
use super::calendar::calendar;
use super::write::{comment, list, text};
use std::collections::BTreeSet;

/// Alertmanager's word for "by all labels".
const ALL_LABELS: &str = "...";

/// Rules as parts of a TOML text.
#[derive(Default)]
pub(super) struct Rules {
    routes: String,
    groupings: String,
    levels: String,
    dependencies: String,
    policies: String,
    calendars: String,
    /// Calendars that were written.
    known: BTreeSet<String>,
    /// Receivers that routes name.
    named: BTreeSet<String>,
}

impl Rules {
    /// Takes one route with all that it means for what it fits.
    pub(super) fn route(&mut self, leaf: &Leaf, intervals: &[TimeInterval]) -> anyhow::Result<()> {
        let query = text(&leaf.query);
        self.named.insert(leaf.receiver.clone());
        if leaf.goes_on {
            self.routes += &comment(
                "Alertmanager goes on after this route (`continue`) and tells further receivers. Here the first route that fits \
                 decides alone: put the people of the others into this policy.",
            );
        }
        let receiver = text(&leaf.receiver);
        self.routes += &format!("[[route]]\nmatch = {query}\nteam = {receiver}\npolicy = {receiver}\n\n");
        self.grouping(leaf, &query);
        self.times(leaf, &query, intervals);
        Ok(())
    }

    fn grouping(&mut self, leaf: &Leaf, query: &str) {
        let names = ["group_wait", "group_interval", "repeat_interval"];
        let waits: Vec<String> = names
            .iter()
            .zip(&leaf.waits)
            .filter_map(|(name, wait)| wait.as_ref().map(|wait| format!("{name} {wait}")))
            .collect();
        if !waits.is_empty() {
            self.groupings += &comment(&format!(
                "{}: here what comes together is bundled by [paging] bundle, and who does not answer is followed by the next level.",
                waits.join(", ")
            ));
        }
        if leaf.group_by.iter().any(|label| label == ALL_LABELS) {
            self.groupings += &comment(&format!(
                "group_by ['...'] for {}: each series alone has no equal; the default groups by alertname, cluster, namespace, \
                 service and job.",
                leaf.query
            ));
            return;
        }
        if leaf.group_by.is_empty() {
            self.groupings += &comment("Without group_by everything that fits this route is one incident.");
        }
        self.groupings += &format!("[[grouping]]\nmatch = {query}\nby = {}\n\n", list(&leaf.group_by));
    }

    fn times(&mut self, leaf: &Leaf, query: &str, intervals: &[TimeInterval]) {
        for name in &leaf.muted {
            self.levels += &comment(&format!(
                "mute_time_intervals {name:?} for {}: Alertmanager says nothing within it, and nothing later about it. Here it has no \
                 equal; a [[service_level]] with plan = \"batch\" and the opposite calendar calls when it is over.",
                leaf.query
            ));
        }
        for name in &leaf.active {
            let Some(interval) = intervals.iter().find(|interval| interval.name == *name) else {
                self.levels += &comment(&format!("active_time_intervals {name:?} is explained nowhere in the file."));
                continue;
            };
            match calendar(interval) {
                Ok(written) => {
                    if self.known.insert(name.clone()) {
                        self.calendars += &written;
                        self.calendars += "\n";
                    }
                    self.levels += &comment(
                        "Out of these hours Alertmanager says nothing; here it waits, and calls when they begin.",
                    );
                    self.levels +=
                        &format!("[[service_level]]\nmatch = {query}\nplan = \"batch\"\ncalendar = {}\n\n", text(name));
                }
                Err(why) => {
                    self.levels += &comment(&format!("active_time_intervals {name:?} for {}: {why}.", leaf.query));
                }
            }
        }
    }

    /// Takes an inhibit rule.
    pub(super) fn dependency(&mut self, target: &str, source: &str, equal: &[String]) {
        self.dependencies += &comment(
            "Alertmanager says nothing of these for as long as the source burns. Here their pages wait for at most `hold`, never those \
             of S1, and the screen shows them all the while.",
        );
        self.dependencies += &format!(
            "[[dependency]]\nmatch = {}\non = {}\nsame = {}\nhold = \"15m\"\n\n",
            text(target),
            text(source),
            list(equal)
        );
    }

    /// Takes a receiver.
    pub(super) fn policy(&mut self, receiver: &Receiver) {
        let kinds: Vec<&str> = receiver.configs.keys().map(|key| key.strip_suffix("_configs").unwrap_or(key)).collect();
        let told = match kinds.as_slice() {
            [] => "It told nobody: what is routed to it calls no one there. Here it does, unless a [[service_level]] says plan = \"keep\"."
                .to_owned(),
            kinds => format!("It told by {}: give people such a [[channel]], and name them in `call`.", kinds.join(", ")),
        };
        self.policies += &comment(&told);
        self.policies += &format!(
            "[[policy]]\nname = {}\nlevels = [{{ call = [\"on-call\"], within = \"5m\" }}]\n\n",
            text(&receiver.name)
        );
    }

    /// Returns the receivers that routes name and nothing explains.
    pub(super) fn unknown<'a>(&self, explained: impl Iterator<Item = &'a str>) -> Vec<String> {
        let explained: BTreeSet<&str> = explained.collect();
        self.named.iter().filter(|name| !explained.contains(name.as_str())).cloned().collect()
    }

    /// Returns all of it.
    pub(super) fn text(&self) -> String {
        let parts = [
            ("Who is called, by the names of the receivers.", &self.policies),
            ("Which alerts are whose. The first that fits decides.", &self.routes),
            ("Which series are one incident. The first that fits decides.", &self.groupings),
            ("Hours.", &self.calendars),
            ("What waits for them.", &self.levels),
            ("What waits for something else to be over.", &self.dependencies),
        ];
        let mut all =
            comment("Made by `nightdesk import alertmanager`. Read the comments, then run `nightdesk check` on it.");
        for (title, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
            all += &format!("\n{}\n{part}", comment(title).trim_end());
        }
        all
    }
}
