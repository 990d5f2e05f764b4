//! Circles of dependencies: rules each of which leans on what the next one is about, and the last on what the first one is.

use super::check::Shape;
use super::read::Fault;
use super::{Dependency, Rule};
use std::collections::VecDeque;

/// Most dependency rules that are searched: the time grows with the cube of it.
const SEARCHED_MAX: usize = 300;
/// Most rules of one circle that are named.
const NAMED_MAX: usize = 12;

/// Says which rules close a circle with rules before them, for each the shortest one, and which depend on themselves.
pub(super) fn circles(rules: &[Rule<Dependency>], found: &mut Vec<Fault>) {
    let mut say = |rule: &Rule<Dependency>, why: String| {
        found.push(Fault { line: rule.line, place: format!("dependency `{}`", rule.name), why });
    };
    let searched = &rules[..rules.len().min(SEARCHED_MAX)];
    let next = leanings(searched);
    for (place, rule) in searched.iter().enumerate() {
        if rule.query.to_string() == rule.then.on.to_string() {
            say(rule, "it depends on itself, and so holds nothing".to_owned());
        }
        match back_to(place, &next).as_deref() {
            None => {}
            Some([_, other]) => {
                let other = searched[*other].told();
                say(rule, format!("it is the other way round in {other}: while both burn, neither holds the other"));
            }
            Some(circle) => say(rule, told(searched, circle)),
        }
    }
    if let Some(rule) = rules.get(SEARCHED_MAX) {
        let why = format!(
            "{} dependency rules are too many to search: circles are looked for among the first {SEARCHED_MAX}; \
             from here on look yourself, or say more with one rule",
            rules.len()
        );
        say(rule, why);
    }
}

/// Returns for each rule the other ones that are about something that it leans on, as far as queries tell.
fn leanings(rules: &[Rule<Dependency>]) -> Vec<Vec<usize>> {
    let about: Vec<Shape<'_>> = rules.iter().map(|rule| Shape::of(&rule.query)).collect();
    let leaning = |(place, rule): (usize, &Rule<Dependency>)| {
        let on = Shape::of(&rule.then.on);
        // One within the other is enough: what fits both leans on, and is leant on.
        let meets =
            |other: &usize| *other != place && (on.holds_all_of(&about[*other]) || about[*other].holds_all_of(&on));
        (0..rules.len()).filter(meets).collect()
    };
    rules.iter().enumerate().map(leaning).collect()
}

/// Returns the shortest circle that leads from the last of its rules over ones before it back, itself first.
fn back_to(last: usize, next: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut came_from = vec![None; last + 1];
    let mut waiting = VecDeque::from([last]);
    while let Some(place) = waiting.pop_front() {
        for &other in next[place].iter().take_while(|other| **other <= last) {
            if other == last {
                let mut circle: Vec<usize> = std::iter::successors(Some(place), |at| came_from[*at]).collect();
                circle.reverse();
                return Some(circle);
            }
            if came_from[other].is_none() {
                came_from[other] = Some(place);
                waiting.push_back(other);
            }
        }
    }
    None
}

fn told(rules: &[Rule<Dependency>], circle: &[usize]) -> String {
    let names: Vec<String> = circle.iter().map(|place| rules[*place].told()).collect();
    let named = names.iter().take(NAMED_MAX);
    let mut why = format!("a circle of {}: ", names.len());
    for (place, name) in named.enumerate() {
        match place {
            0 => why.push_str(name),
            1 => why.push_str(&format!(" leans on what {name} is about")),
            _ => why.push_str(&format!(", that on what {name} is about")),
        }
    }
    if names.len() > NAMED_MAX {
        why.push_str(&format!(", and so on over {} more", names.len() - NAMED_MAX));
    }
    why.push_str(", and that back on the first: which of them waits is chance; take one away");
    why
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Query;
    use std::time::Duration;

    fn rule(place: usize, about: &str, on: &str) -> Rule<Dependency> {
        let [query, on] = [about, on].map(|text| Query::parse(text).unwrap());
        let then = Dependency { on, same: Vec::new(), hold: Duration::from_secs(60) };
        Rule { name: format!("dependency {}", place + 1), line: 5 + 7 * place, query, then }
    }

    fn remarked(pairs: &[(&str, &str)]) -> Vec<String> {
        let rules: Vec<_> = pairs.iter().enumerate().map(|(place, (about, on))| rule(place, about, on)).collect();
        let mut found = Vec::new();
        circles(&rules, &mut found);
        found.into_iter().map(|Fault { line, place, why }| format!("{line}: {place}: {why}")).collect()
    }

    #[test]
    fn three_rules_in_a_circle_are_named_with_their_lines() {
        let found = remarked(&[("a=1", "b=1"), ("b=1", "c=1"), ("c=1", "a=1")]);
        assert_eq!(
            found,
            ["19: dependency `dependency 3`: a circle of 3: rule `dependency 3` (line 19) leans on what rule \
              `dependency 1` (line 5) is about, that on what rule `dependency 2` (line 12) is about, and that back on \
              the first: which of them waits is chance; take one away"]
        );
    }

    #[test]
    fn four_rules_in_any_order_are_one_circle() {
        let found = remarked(&[("c=1", "d=1"), ("a=1", "b=1"), ("d=1", "a=1"), ("b=1", "c=1")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("26: dependency `dependency 4`: a circle of 4: "), "{found:?}");
        for line in ["(line 5)", "(line 12)", "(line 19)", "(line 26)"] {
            assert!(found[0].contains(line), "{line} in {found:?}");
        }
    }

    #[test]
    fn a_chain_and_two_ways_to_one_end_are_no_circle() {
        assert_eq!(remarked(&[("a=1", "b=1"), ("b=1", "c=1"), ("c=1", "d=1"), ("a=1", "d=1")]), [""; 0]);
    }

    #[test]
    fn a_rule_beside_a_circle_is_not_blamed() {
        let found = remarked(&[("a=1", "b=1"), ("b=1", "c=1"), ("c=1", "b=1"), ("d=1", "a=1")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("it is the other way round in rule `dependency 2` (line 12)"), "{found:?}");
    }

    #[test]
    fn a_wider_query_closes_a_circle_too() {
        let found = remarked(&[("", "a=1 b=1"), ("a=1", "c=1"), ("x=1", "y=1")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("12: dependency `dependency 2`: it is the other way round in"), "{found:?}");
    }

    #[test]
    fn one_that_depends_on_itself_closes_no_other() {
        let found = remarked(&[("a=1", "a=1"), ("b=1", "c=1")]);
        assert_eq!(found, ["5: dependency `dependency 1`: it depends on itself, and so holds nothing"]);
    }

    #[test]
    fn the_search_and_its_words_are_bounded() {
        let ring = |many: usize| -> Vec<String> {
            let rules: Vec<_> =
                (0..many).map(|at| rule(at, &format!("a={at}"), &format!("a={}", (at + 1) % many))).collect();
            let mut found = Vec::new();
            circles(&rules, &mut found);
            found.into_iter().map(|fault| fault.why).collect()
        };
        let found = ring(SEARCHED_MAX);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("and so on over 288 more") && found[0].len() < 1500, "{found:?}");
        let found = ring(SEARCHED_MAX + 1);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("301 dependency rules are too many to search"), "{found:?}");
    }
}
