//! How the rules are cut: where kinds of events are told apart.

use super::{Source, check, sources};

/// The files of the rules that tell kinds of events apart, each in one match.
const TELL_EVENTS_APART: &[&str] =
    &["src/rules/evolve.rs", "src/rules/propagate.rs", "src/rules/rests.rs", "src/rules/revert.rs"];

/// One arm of a match: the line where it begins, and its pattern with the guard.
struct Arm {
    line: usize,
    pattern: String,
}

fn rules() -> Vec<Source> {
    sources().into_iter().filter(|source| source.module() == "rules").collect()
}

/// Says whether a text names a kind of event.
fn names_event(text: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices("Event::").any(|(at, _)| !text[..at].ends_with(is_name))
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns the arms of each match that has one for a kind of event. Arms are told by how they are indented.
fn event_matches(source: &Source) -> Vec<Vec<Arm>> {
    let lines: Vec<(usize, &str)> = source.code().collect();
    let is_match = |line: &str| line.ends_with('{') && line.split([' ', '(']).any(|word| word == "match");
    let heads = lines.iter().enumerate().filter(|(_, (_, line))| is_match(line));
    let matches = heads.map(|(head, (_, line))| {
        let inside = indent(line) + 4;
        let body = lines[head + 1..].iter().take_while(|(_, line)| line.is_empty() || indent(line) >= inside);
        let mut arms: Vec<Arm> = Vec::new();
        let mut open = false;
        for (number, line) in body {
            if !open && indent(line) == inside && !line.trim_start().starts_with(['}', ')']) {
                arms.push(Arm { line: *number, pattern: String::new() });
                open = true;
            }
            if let Some(arm) = arms.last_mut().filter(|_| open) {
                let (pattern, rest) = line.split_once("=>").map_or((*line, None), |(a, b)| (a, Some(b)));
                arm.pattern += pattern.trim();
                open = rest.is_none();
            }
        }
        arms
    });
    matches.filter(|arms| arms.iter().any(|arm| names_event(&arm.pattern))).collect()
}

/// Splits a text at a character that is in no brackets.
fn split_outside(text: &str, at: char) -> Vec<String> {
    let mut depth = 0_i32;
    let mut parts = vec![String::new()];
    for c in text.chars() {
        depth += match c {
            '(' | '[' | '{' => 1,
            ')' | ']' | '}' => -1,
            _ => 0,
        };
        match c == at && depth == 0 {
            true => parts.push(String::new()),
            false => parts.last_mut().expect("never empty").push(c),
        }
    }
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// A new kind of event stops the build wherever someone has to think about it.
#[test]
fn every_arm_beside_a_kind_of_event_names_one() {
    let mut found = Vec::new();
    for source in rules() {
        for arm in event_matches(&source).iter().flatten() {
            if split_outside(&arm.pattern, '|').iter().any(|part| !names_event(part)) {
                found.push(format!("{}:{}: `{}` takes any event", source.path, arm.line, arm.pattern));
            }
        }
    }
    check(found);
}

/// Families get the data of an event; what kind it is was told before, in one match a verb.
#[test]
fn kinds_of_events_are_told_apart_once_a_verb() {
    let mut found = Vec::new();
    for source in rules() {
        let named: Vec<usize> =
            source.code().filter(|(_, line)| names_event(line)).map(|(number, _)| number).collect();
        if !TELL_EVENTS_APART.contains(&source.path.as_str()) {
            found.extend(named.iter().map(|number| format!("{}:{number}: names `Event::`", source.path)));
            continue;
        }
        let matches = event_matches(&source);
        let count = matches.len();
        if count != 1 {
            found.push(format!("{}: {count} matches over kinds of events, expected 1", source.path));
        }
        let arms = matches.iter().flatten();
        let in_arms: usize = arms.map(|arm| arm.pattern.matches("Event::").count()).sum();
        let all: usize = source.code().map(|(_, line)| line.matches("Event::").count()).sum();
        if in_arms != all {
            found.push(format!("{}: `Event::` {all} times, {in_arms} of them in arms", source.path));
        }
    }
    check(found);
}
