//! Where to cut: at random moments, and more often where something could go wrong.

use std::collections::{BTreeMap, HashMap};

use super::calls::{Action, Calls, Moment};
use super::random::Random;

/// How many of a trace's syncs count as large.
const LARGE: usize = 10;

/// The moments of a trace that are worth a cut, each kind on its own.
#[derive(Debug, Default)]
struct Places {
    /// Until the first acknowledgement: the ledger is made, or recovered.
    opening: Vec<usize>,
    /// As an acknowledgement goes out.
    acknowledged: Vec<usize>,
    /// Before a sync returns, by what is synced: a file that is synced seldom is cut as often as another.
    syncs: BTreeMap<String, Vec<usize>>,
    /// Before those syncs return that cover the most bytes: much can be lost there in an odd order.
    large: Vec<usize>,
    /// Around a changed name or length.
    names: Vec<usize>,
}

/// Draws moments to cut at, in order; each is the number of moments that came before the cut.
pub fn draw(
    calls: &Calls,
    ledger: &str,
    acknowledgements: &str,
    random: &mut Random,
    count: u64,
) -> Vec<usize> {
    let places = places(calls, ledger, acknowledgements);
    let all: Vec<usize> = (0..=calls.moments.len()).collect();
    let groups: Vec<&Vec<usize>> = places.syncs.values().collect();
    let mut cuts: Vec<usize> = (0..count)
        .map(|number| {
            let group = match number % 20 {
                0..4 => &places.opening,
                4..8 => &places.acknowledged,
                8..11 if !groups.is_empty() => groups[random.below(groups.len() as u64) as usize],
                11..13 => &places.large,
                13..16 => &places.names,
                _ => &all,
            };
            let group = if group.is_empty() { &all } else { group };
            group[random.below(group.len() as u64) as usize]
        })
        .collect();
    cuts.sort_unstable();
    cuts
}

/// Draws moments just after a name below the ledger's folder was given, exchanged or removed, and not yet made durable;
/// what is exchanged seldom is cut as often as what is exchanged with each command.
pub fn exchanges(calls: &Calls, ledger: &str, random: &mut Random, count: u64) -> Vec<usize> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, moment) in calls.moments.iter().enumerate() {
        let Moment::End(call) = moment else { continue };
        let (kind, place) = match &calls.calls[*call].action {
            Action::Rename { to, .. } => ("rename", to),
            Action::Remove { path } => ("remove", path),
            Action::Open { path, flags } if flags.contains("O_CREAT") => ("open", path),
            Action::MakeDirectory { path } => ("make", path),
            _ => continue,
        };
        if place.fd.is_some() || place.path.starts_with(ledger) {
            let group = groups.entry(format!("{kind} {}", family(&place.path))).or_default();
            // Within the window, up to where the next call may make it durable.
            group.extend([index + 1, index + 2].iter().filter(|at| **at <= calls.moments.len()));
        }
    }
    let groups: Vec<Vec<usize>> = groups.into_values().collect();
    let draw = |_| {
        let group = &groups[random.below(groups.len() as u64) as usize];
        group[random.below(group.len() as u64) as usize]
    };
    if groups.is_empty() { Vec::new() } else { (0..count).map(draw).collect() }
}

/// Says what was synced how often; files whose names differ in their numbers alone count as one.
pub fn synced(calls: &Calls, ledger: &str) -> String {
    let syncs = places(calls, ledger, "").syncs;
    let count = |(path, moments): (&String, &Vec<usize>)| {
        let path = path.rsplit_once("/log").map_or(path.as_str(), |(_, below)| below);
        format!("{} syncs of log{path}", moments.len())
    };
    syncs.iter().map(count).collect::<Vec<_>>().join(", ")
}

fn places(calls: &Calls, ledger: &str, acknowledgements: &str) -> Places {
    let mut places = Places::default();
    let mut paths: HashMap<(i64, i64), &str> = HashMap::new();
    let mut unsynced: HashMap<&str, usize> = HashMap::new();
    let mut large = Vec::new();
    let mut opened = false;
    for (index, moment) in calls.moments.iter().enumerate() {
        let (begins, call) = match moment {
            Moment::Begin(call) => (true, &calls.calls[*call]),
            Moment::End(call) => (false, &calls.calls[*call]),
        };
        let path_of = |fd: &i64| paths.get(&(call.process, *fd)).copied().unwrap_or_default();
        match &call.action {
            Action::Write { fd, .. }
                if !acknowledgements.is_empty() && path_of(fd).starts_with(acknowledgements) =>
            {
                opened = true;
                places.acknowledged.extend([index + 1, index + 2].iter().filter(|_| begins));
            }
            Action::Write { fd, bytes, .. } if begins && path_of(fd).starts_with(ledger) => {
                *unsynced.entry(path_of(fd)).or_default() += bytes.len();
            }
            Action::Sync { fd } if !begins && path_of(fd).starts_with(ledger) => {
                large.push((unsynced.remove(path_of(fd)).unwrap_or_default(), index));
                places.syncs.entry(family(path_of(fd))).or_default().push(index);
            }
            Action::Rename { .. } | Action::Remove { .. } | Action::Truncate { .. } => {
                places.names.push(index + usize::from(begins));
            }
            Action::Open { path, .. } if !begins => {
                paths.insert((call.process, call.result.unwrap_or(-1)), &path.path);
            }
            _ => {}
        }
        if !opened && touches(&call.action, ledger, places.opening.is_empty()) {
            places.opening.push(index + 1);
        }
    }
    large.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    places.large = large.iter().take(LARGE).map(|(_, index)| *index).collect();
    places.acknowledged.retain(|index| *index <= calls.moments.len());
    places
}

/// Says whether the opening is under way: it starts at the first call that names the ledger.
fn touches(action: &Action, ledger: &str, first: bool) -> bool {
    match action {
        Action::MakeDirectory { path } | Action::Open { path, .. } if first => path.path.starts_with(ledger),
        _ => !first,
    }
}

/// Returns a path without its digits, so that numbered files count as one.
fn family(path: &str) -> String {
    path.chars().filter(|letter| !letter.is_ascii_digit() && !letter.is_ascii_uppercase()).collect()
}
