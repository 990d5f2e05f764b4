//! How pages and copies get out of this terminal, and what the person said at `nightdesk notify test`.

use super::{Finding, Scene};
use crate::config::Outward;
use crate::tui::outward::facts::{Between, Facts, TMUX_CONF};
use crate::tui::outward::tested::{self, Answer, Noticed};

/// Looks at the terminal and at the answers.
pub(super) fn check(scene: &Scene) -> Vec<Finding> {
    let settings = scene.console.as_ref().map(|console| console.outward.clone()).unwrap_or_default();
    let mut found = terminal(&settings);
    found.extend(match tested::answers(&scene.paths) {
        Ok(answers) if answers.is_empty() => {
            vec![Finding::note("notify.test", "nobody has tried how pages are told here: `nightdesk notify test`")]
        }
        Ok(answers) => answers.iter().map(said).collect(),
        Err(error) => vec![Finding::warning("notify.test", error.to_string(), "run `nightdesk notify test` again")],
    });
    found
}

fn terminal(settings: &Outward) -> Vec<Finding> {
    let facts = match Facts::gather() {
        Ok(facts) => facts,
        Err(error) => return vec![Finding::note("notify.terminal", format!("cannot be asked: {error}"))],
    };
    let lines = facts.lines(settings).into_iter();
    let mut found: Vec<Finding> = lines
        .map(|fact| match fact.advice {
            Some(advice) => Finding::warning("notify.terminal", fact.text, advice),
            None => Finding::good("notify.terminal", fact.text),
        })
        .collect();
    if matches!(facts.between, Between::Tmux(_)) && found.iter().any(|finding| finding.remedy.is_some()) {
        let lines = format!("all that a tmux.conf may say for it: {}", TMUX_CONF.join("; "));
        found.push(Finding::note("notify.terminal", lines));
    }
    found
}

fn said(answer: &Answer) -> Finding {
    let name = format!("{:?}", answer.channel).to_lowercase();
    let place = format!("{} in {}", answer.at, answer.terminal);
    match answer.noticed {
        Noticed::Yes => Finding::good("notify.test", format!("{name}: noticed ({place})")),
        Noticed::No => Finding::note("notify.test", format!("{name}: NOT noticed ({place})")),
        Noticed::Skipped => Finding::note("notify.test", format!("{name}: not tried ({place})")),
        Noticed::Impossible => Finding::note("notify.test", format!("{name}: cannot work, {} ({place})", answer.why)),
    }
}
