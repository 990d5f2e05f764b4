//! A keymap in writing: lists for people and programs, the README's table, a file.

use super::{Arm, Binding, Condition, Context, Keymap, label};
use crate::tui::action::{Action, Group};
use crate::tui::key::{KeyPress, doubt};
use crate::tui::update::spoken;
use serde_json::{Value, json as value};

/// Contexts whose keys the README's table shows: those in which no prompt is open.
const PANES: [Context; 5] = [Context::Stream, Context::Detail, Context::Runbook, Context::Global, Context::Inbox];

/// Returns one line for each key: where, which, what it does.
pub(crate) fn list(keymap: &Keymap) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, context) in Context::ALL {
        for binding in keymap.bindings().iter().filter(|binding| binding.context == context && !binding.is_none()) {
            for arm in &binding.arms {
                lines.push(format!("{name:<8} {:<12} {}", binding.label(), told(arm)));
            }
        }
    }
    lines.extend(unbound(keymap).map(|action| {
        format!("{:<8} {:<12} {:<22} {}", "-", format!(":{}", spoken(action)), action.name(), action.help())
    }));
    lines
}

/// Returns the name of what an arm does, and its words.
fn told(arm: &Arm) -> String {
    let names: Vec<&str> = arm.actions.iter().map(|action| action.name()).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", then ") };
    let when = arm.when.map_or_else(String::new, |when| format!(" (when {})", when.name()));
    let help = arm.desc.clone().unwrap_or_else(|| arm.actions.first().map_or("", |action| action.help()).to_owned());
    format!("{names:<22} {help}{when}")
}

/// Returns the actions that no key reaches; each is a command all the same.
pub(crate) fn unbound(keymap: &Keymap) -> impl Iterator<Item = Action> {
    let is_bound = |action: Action| keymap.bindings().iter().any(|binding| binding.does(action));
    Action::ALL.iter().copied().filter(move |action| !is_bound(*action))
}

/// Returns one object for each key, and for each action without one; fields are only added.
pub(crate) fn json(keymap: &Keymap) -> Vec<Value> {
    let object = |binding: &Binding, arm: &Arm| {
        value!({
            "v": 1,
            "context": binding.context.name(),
            "keys": binding.label(),
            "actions": arm.actions.iter().map(|action| action.name()).collect::<Vec<_>>(),
            "when": arm.when.map(Condition::name),
            "desc": arm.desc.as_deref().or(arm.actions.first().map(|action| action.help())),
            "command": arm.actions.first().map(|action| spoken(*action)),
            "reaches_others": arm.actions.iter().any(|action| action.reaches_others()),
            "file": binding.origin.file.as_ref(),
            "line": binding.origin.line,
        })
    };
    let bound = keymap.bindings().iter().flat_map(|binding| binding.arms.iter().map(move |arm| object(binding, arm)));
    let rest = unbound(keymap).map(|action| {
        value!({
            "v": 1, "context": null, "keys": null, "actions": [action.name()], "when": null, "desc": action.help(),
            "command": spoken(action), "reaches_others": action.reaches_others(), "file": null, "line": null,
        })
    });
    bound.chain(rest).collect()
}

/// Returns the table of the README: every action that is not part of a prompt, its keys and its command.
pub(crate) fn markdown(keymap: &Keymap) -> String {
    let mut text = String::from("| key | command | does |\n|---|---|---|\n");
    let groups = Group::ALL.into_iter().filter(|group| *group != Group::Prompt);
    for group in groups {
        text.push_str(&format!("| | | **{}** |\n", group.title()));
        for action in Action::ALL.iter().copied().filter(|action| action.group() == group) {
            let keys = labels(keymap, action);
            text.push_str(&format!("| {} | `:{}` | {} |\n", keys.join(" "), spoken(action), action.help()));
        }
    }
    text
}

fn labels(keymap: &Keymap, action: Action) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    for context in PANES {
        for binding in keymap.keys_of(action, &[context]) {
            let label = format!("`{}`", binding.label().replace('|', "\\|"));
            // The inbox and runbooks have keys of their own, and the ones of every pane.
            let place = match context {
                Context::Inbox => " (inbox)",
                Context::Runbook => " (runbook)",
                _ => "",
            };
            if !labels.contains(&label) {
                labels.push(label + place);
            }
        }
    }
    labels
}

/// Returns what these keys do in every context, where that is written, and what may go wrong with them.
pub(crate) fn explain(keymap: &Keymap, keys: &[KeyPress], written: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, context) in Context::ALL {
        let here = keymap.bindings().iter().filter(|binding| binding.context == context);
        for binding in here.filter(|binding| binding.keys.starts_with(keys)) {
            let more = match binding.keys.len() - keys.len() {
                0 => String::new(),
                _ => format!("then {}: ", label(&binding.keys[keys.len()..])),
            };
            for arm in &binding.arms {
                lines.push(format!("{name:<8} {more}{}", told(arm).trim_end()));
                if arm.actions.iter().any(|action| action.reaches_others()) {
                    lines.push("         reaches other people; asks and guards as on any other key".to_owned());
                }
            }
            lines.push(format!("         {}", binding.origin));
        }
    }
    if lines.is_empty() {
        lines.push(format!("{} does nothing", label(keys)));
    }
    let doubts = written.split_whitespace().filter_map(|one| Some(format!("{one:?} may not come: {}", doubt(one)?)));
    lines.extend(doubts);
    lines
}

/// Returns the keymap as a file that stands for itself.
pub(crate) fn dump(keymap: &Keymap, name: &str) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!("schema = 1\nname = {}\nextends = \"none\"\n", quoted(name));
    for (name, context) in Context::ALL {
        let here: Vec<&Binding> = keymap.bindings().iter().filter(|binding| binding.context == context).collect();
        if here.is_empty() {
            continue;
        }
        text.push_str(&format!("\n[{name}]\n"));
        for binding in here {
            let alone = binding.arms.len() == 1;
            let arms: Vec<String> = binding.arms.iter().map(|arm| written(arm, alone, &quoted)).collect();
            let value = if alone { arms.concat() } else { format!("[{}]", arms.join(", ")) };
            text.push_str(&format!("{} = {value}\n", quoted(&binding.label())));
        }
    }
    text
}

/// Returns an arm in the shortest form that can be read back; among several, names stand in a table of their own.
fn written(arm: &Arm, alone: bool, quoted: &dyn Fn(&str) -> String) -> String {
    let names: Vec<String> = arm.actions.iter().map(|action| quoted(action.name())).collect();
    let action = match names.as_slice() {
        [] => quoted("none"),
        [one] => one.clone(),
        more => format!("[{}]", more.join(", ")),
    };
    if alone && arm.when.is_none() && arm.desc.is_none() {
        return action;
    }
    let when = arm.when.map(|when| format!("when = {}, ", quoted(when.name()))).unwrap_or_default();
    let desc = arm.desc.as_ref().map(|desc| format!(", desc = {}", quoted(desc))).unwrap_or_default();
    format!("{{ {when}action = {action}{desc} }}")
}
