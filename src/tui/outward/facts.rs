//! What is known of the terminal and of the tmux before it: what reaches the person from here, and what to change.

use super::surroundings::Surroundings;
use super::tmux;
use crate::config::Outward;
use crate::domain::text::SafeText;

/// What a person may add to their `tmux.conf`. Printed, never written.
pub const TMUX_CONF: [&str; 3] = ["set -s escape-time 20", "set -g focus-events on", "set -g allow-passthrough all"];

/// Formats of one question to tmux, in the order of [`Tmux`]'s fields.
const QUESTION: &str = "#{version}|#{client_termname}|#{client_termtype}|#{set-clipboard}|#{allow-passthrough}|#{focus-events}|\
                        #{monitor-bell}|#{bell-action}|#{escape-time}";

/// What stands between the console and the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Between {
    /// Nothing that is known of.
    Nothing,
    /// A tmux of ours, which answered.
    Tmux(Box<Tmux>),
    /// A tmux of ours that did not answer within 200 ms.
    Silent,
    /// A multiplexer on the way here, by the name of the terminal: it cannot be asked.
    Behind,
}

/// What a tmux says. Empty is unknown to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tmux {
    /// Such as `3.4`.
    pub version: String,
    /// The terminal that it is shown on now.
    pub client_name: String,
    /// The same, by what that terminal says of itself.
    pub client_kind: String,
    /// `external`, `on` or `off`.
    pub set_clipboard: String,
    /// `off`, `on` (only while looked at) or `all`.
    pub allow_passthrough: String,
    /// `on` or `off`.
    pub focus_events: String,
    /// `on` or `off`.
    pub monitor_bell: String,
    /// `any`, `current`, `other` or `none`.
    pub bell_action: String,
    /// Milliseconds.
    pub escape_time: String,
}

/// What is known of the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// `TERM` as programs see it here.
    pub term: String,
    /// Whether we came over SSH.
    pub over_ssh: bool,
    /// What stands between.
    pub between: Between,
    /// Why the desktop shows no notes from here, if so.
    pub no_desktop: Option<&'static str>,
}

/// One fact, and what to do where it is in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What is so.
    pub text: SafeText,
    /// What to do; `None` where it is well.
    pub advice: Option<&'static str>,
}

impl Facts {
    /// Asks for them; takes at most 200 ms and a little. Nothing is written to the terminal.
    ///
    /// # Errors
    /// When no program can be run at all.
    pub fn gather() -> std::io::Result<Self> {
        let around = Surroundings::of_this_process();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let between = match &around.pane {
            None if around.in_multiplexer() => Between::Behind,
            None => Between::Nothing,
            Some(pane) => {
                let answer = runtime.block_on(tmux::ask(&["display-message", "-p", "-t", pane, QUESTION]));
                answer
                    .and_then(|answer| Tmux::read(answer.as_str()))
                    .map_or(Between::Silent, |tmux| Between::Tmux(Box::new(tmux)))
            }
        };
        runtime.shutdown_background();
        let no_desktop = super::desktop::why_not(&around);
        Ok(Self { term: around.term, over_ssh: around.ssh, between, no_desktop })
    }

    /// Returns them line by line, for these settings.
    pub fn lines(&self, settings: &Outward) -> Vec<Fact> {
        let mut lines = vec![fact(&format!("TERM {}{}", self.term, if self.over_ssh { ", over SSH" } else { "" }))];
        match &self.between {
            Between::Nothing => {}
            Between::Behind => lines.push(Fact {
                advice: Some("try `nightdesk notify test`: only the bell is sure to get through"),
                ..fact("a tmux or screen on the way here, which cannot be asked")
            }),
            Between::Silent => lines.push(Fact {
                advice: Some("look whether `tmux display-message -p x` answers in this pane"),
                ..fact("tmux does not answer within 200 ms")
            }),
            Between::Tmux(tmux) => lines.extend(tmux.lines(settings)),
        }
        let desktop = match self.no_desktop {
            _ if !settings.desktop => "off in config.toml",
            Some(why) => why,
            None => "tried",
        };
        lines.push(fact(&format!("notes by the desktop: {desktop}")));
        lines
    }
}

impl Tmux {
    fn read(answer: &str) -> Option<Self> {
        let mut fields = answer.split('|').map(str::to_owned);
        let mut next = || fields.next();
        Some(Self {
            version: next()?,
            client_name: next()?,
            client_kind: next()?,
            set_clipboard: next()?,
            allow_passthrough: next()?,
            focus_events: next().map(switch)?,
            monitor_bell: next().map(switch)?,
            bell_action: next()?,
            escape_time: next()?,
        })
    }

    fn lines(&self, settings: &Outward) -> Vec<Fact> {
        let said = |name: &str, value: &str, comes_to: &str, advice: Option<&'static str>| {
            let value = if value.is_empty() { "unknown to it" } else { value };
            Fact { advice, ..fact(&format!("{name} {value} ({comes_to})")) }
        };
        let on = |value: &str| matches!(value, "on" | "any" | "other");
        let (copies, copy_advice) = match self.set_clipboard.as_str() {
            "off" => ("copies stay in tmux's buffer", Some("set -s set-clipboard external")),
            _ => ("copies by load-buffer: ok", None),
        };
        let wants_notes = settings.osc != crate::config::Osc::Off;
        let (notes, note_advice) = match self.allow_passthrough.as_str() {
            "all" => ("notes by OSC: ok", None),
            "on" => ("notes by OSC only while looked at: off", wants_notes.then_some("set -g allow-passthrough all")),
            _ => ("notes by OSC: off", wants_notes.then_some("set -g allow-passthrough all; from tmux 3.4 on")),
        };
        let bell = on(&self.monitor_bell) && on(&self.bell_action);
        let (bell, bell_advice) = match bell {
            true => ("bell: ok", None),
            false => ("the bell is kept from you", Some("set -g monitor-bell on; set -g bell-action any")),
        };
        let (focus, focus_advice) = match self.focus_events.as_str() {
            "on" => ("focus is known: ok", None),
            _ => ("focus is not known", Some("set -g focus-events on")),
        };
        let (escape, escape_advice) = match self.escape_time.parse::<u32>() {
            Ok(0) => ("0 parts Alt keys and arrows on slow lines", Some("set -s escape-time 20")),
            Ok(1..=50) => ("Esc: ok", None),
            _ => ("Esc will lag", Some("set -s escape-time 20")),
        };
        let on_what = [self.client_name.as_str(), self.client_kind.as_str()].join(" ");
        let on_what = if on_what.trim().is_empty() { "nothing now" } else { on_what.trim() };
        vec![
            fact(&format!("tmux {}, shown on {on_what}", self.version)),
            said("set-clipboard", &self.set_clipboard, copies, copy_advice),
            said("allow-passthrough", &self.allow_passthrough, notes, note_advice),
            said("focus-events", &self.focus_events, focus, focus_advice),
            said(
                "monitor-bell, bell-action",
                &format!("{}, {}", self.monitor_bell, self.bell_action),
                bell,
                bell_advice,
            ),
            said("escape-time", &self.escape_time, escape, escape_advice),
        ]
    }
}

/// Returns a switch by its word: formats say 1 and 0.
fn switch(value: String) -> String {
    match value.as_str() {
        "1" => "on".to_owned(),
        "0" => "off".to_owned(),
        _ => value,
    }
}

fn fact(text: &str) -> Fact {
    Fact { text: SafeText::line(text, 300), advice: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Osc;

    fn tmux(answer: &str, settings: &Outward) -> Vec<String> {
        let facts = Facts {
            term: "tmux-256color".into(),
            over_ssh: false,
            between: Between::Tmux(Box::new(Tmux::read(answer).unwrap())),
            no_desktop: Some("no bus"),
        };
        let advice = |fact: &Fact| fact.advice.map_or(String::new(), |advice| format!(" -> {advice}"));
        facts.lines(settings).iter().map(|fact| format!("{}{}", fact.text, advice(fact))).collect()
    }

    #[test]
    fn what_is_in_the_way_has_its_line_to_add() {
        let settings = Outward { osc: Osc::Auto, ..Outward::default() };
        assert_eq!(
            tmux("3.4|xterm-kitty|kitty(0.32)|external|off|0|1|any|500", &settings),
            [
                "TERM tmux-256color",
                "tmux 3.4, shown on xterm-kitty kitty(0.32)",
                "set-clipboard external (copies by load-buffer: ok)",
                "allow-passthrough off (notes by OSC: off) -> set -g allow-passthrough all; from tmux 3.4 on",
                "focus-events off (focus is not known) -> set -g focus-events on",
                "monitor-bell, bell-action on, any (bell: ok)",
                "escape-time 500 (Esc will lag) -> set -s escape-time 20",
                "notes by the desktop: no bus",
            ]
        );
        let well = tmux("3.5a|foot||on|all|on|on|any|10", &settings);
        assert!(well.iter().all(|line| !line.contains("->")), "{well:?}");
        let old = tmux("3.0a||||||on|none|0", &Outward::default());
        assert!(old[1].ends_with("shown on nothing now") && old[3].contains("unknown to it"), "{old:?}");
        assert_eq!(old.iter().filter(|line| line.contains("->")).count(), 3, "{old:?}");
    }

    #[test]
    fn less_than_all_answers_is_none() {
        assert_eq!(Tmux::read("3.4|x"), None);
    }
}
