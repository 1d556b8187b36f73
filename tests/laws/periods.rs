//! No limit of a day, a week or a month is passed without its event, at any instant and in whatever order costs become
//! known; what is held beside what was spent never passes a limit. Both are worked out a second time from the JSON of the
//! lines: a day there is what a calendar shows in the zone, by another reader of its rule.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use phaseledger::ask::{self, AskError, CostSummary, Moment};
use phaseledger::ledger::Ledger;
use phaseledger::model::{
    Action, Clocks, Command, Per, Request, Timestamp, When, WhenBase, Zone, parse_workflow,
};
use phaseledger::query::WorkflowCosts;
use phaseledger::store::MemoryStore;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::make::command;
use crate::money::{amount, units};
use crate::oracle::{string, subject};
use crate::play::{Shared, blameless, cases};
use crate::zones::{BERLIN, HAVANA, KATHMANDU, tzif};

const FILE: &str = "[workflow]\nname = 'w'\ncurrency = 'USD'\n[[phase]]\nid = 'a'\n[[phase]]\nid = 'b'\n";

/// When histories begin: some days before clocks are put forward, or back.
const BEGINS: [&str; 3] = ["2026-03-05T00:00:00Z", "2026-03-26T00:00:00Z", "2026-10-22T00:00:00Z"];

/// What limits are of.
const ABOUT: [&str; 3] = ["w", "w/a", "w/b"];

fn zone(which: usize) -> Zone {
    let rules = [("Europe/Berlin", BERLIN), ("Asia/Kathmandu", KATHMANDU), ("America/Havana", HAVANA)];
    match rules.get(which % 5) {
        Some((name, rule)) => Zone::named(name, &tzif(rule)).expect("a zone"),
        None if which % 5 == 3 => Zone::utc(),
        None => "-03:30".parse().expect("an offset"),
    }
}

/// A step of a history.
#[derive(Debug, Clone)]
struct Step {
    verb: u8,
    /// What it is about.
    about: usize,
    /// A small number: an amount, a limit.
    number: u8,
    /// How long after the step before, in minutes.
    after: u32,
    /// How long before that it is claimed to have been, in minutes; none for now.
    ago: Option<u32>,
    which: usize,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ago = prop::option::weighted(0.4, 0_u32..5_000);
    let step = (0_u8..16, 0_usize..3, 0_u8..12, 0_u32..1_500, ago, any::<prop::sample::Index>());
    let step = step.prop_map(|(verb, about, number, after, ago, which)| Step {
        verb,
        about,
        number,
        after,
        ago,
        which: which.index(60),
    });
    prop::collection::vec(step, 1..60)
}

/// A history being played, and the zones of its limits: one for each thing and length.
struct Game {
    shared: Shared,
    now: DateTime<Utc>,
    zones: usize,
    sent: u32,
}

impl Game {
    fn new(begins: usize, zones: usize) -> Game {
        let now = BEGINS[begins % BEGINS.len()].parse().expect("a time");
        let mut game = Game { shared: Shared::default(), now, zones, sent: 0 };
        let definition = Box::new(parse_workflow(FILE, "w.toml", None).expect("a workflow"));
        game.send(Action::Define(phaseledger::model::action::Define { definition }), None);
        game
    }

    fn zone(&self, about: usize, per: Per) -> Zone {
        zone(self.zones + about * 3 + per as usize)
    }

    fn send(&mut self, action: Action, ago: Option<u32>) -> bool {
        self.sent += 1;
        let id: phaseledger::model::CallerId = format!("key:{}", self.sent).parse().expect("a key");
        let now = Timestamp::new(self.now).expect("a year");
        let claimed = ago.map(|ago| self.now - Duration::minutes(ago.into()));
        let occurred_at = claimed.map(|at| Timestamp::new(at).expect("a year").into());
        let sent = Command { occurred_at, ..command(id.command(), action) };
        blameless(self.shared.ledger().submit(&sent, now)).is_ok()
    }

    fn line(&mut self, line: &Value, ago: Option<u32>, zone: Option<Zone>) -> bool {
        let mut request: Request = line.to_string().parse().expect("a line");
        if let (Action::CostLimit(limit), Some(zone)) = (&mut request.action, zone) {
            let since = self.now - Duration::minutes(ago.unwrap_or(0).into());
            limit.clocks = Some(Clocks::of(zone, Timestamp::new(since).expect("a year")).expect("a rule"));
        }
        self.send(request.action, ago)
    }

    fn step(&mut self, step: &Step) {
        self.now += Duration::minutes(step.after.into());
        let phase = ["a", "b"][step.about % 2];
        let (number, ago) = (step.number, step.ago);
        match step.verb {
            0..=5 => {
                let line = json!({"do": "cost", "phase": phase, "amount": format!("{}.5", number)});
                self.line(&line, ago, None);
            }
            6 => {
                let amount = format!("-{}", number / 2 + 1);
                let line = json!({"do": "cost", "phase": phase, "amount": amount, "refund": true});
                self.line(&line, ago, None);
            }
            7..=10 => {
                let (per, about) = (Per::ALL[usize::from(step.verb - 7) % 3], ABOUT[step.about]);
                let limit = (number > 0).then(|| (number * 2).to_string());
                let zone = self.zone(step.about, per);
                let tz = zone.to_string();
                let mut line =
                    json!({"do": "cost_limit", "limit": limit, "per": per, "tz": tz, "reason": "so"});
                match about {
                    "w" => line["workflow"] = json!("w"),
                    phase => line["phase"] = json!(phase),
                }
                self.line(&line, ago.map(|ago| ago / 10), Some(zone));
            }
            11 => {
                let line = json!({"do": "cost_limit", "phase": phase, "limit": (20 + number).to_string()});
                self.line(&line, ago, None);
            }
            12 => {
                let rerun = step.which.is_multiple_of(2);
                let line = match rerun {
                    true => {
                        json!({"do": "start", "phase": phase, "rerun": true, "reason": "again", "over_limit": true})
                    }
                    false => json!({"do": "start", "phase": phase}),
                };
                self.line(&line, None, None);
            }
            13 => {
                self.line(&json!({"do": "complete", "phase": phase}), None, None);
            }
            _ => {
                let lines = self.shared.json(phaseledger::model::Seq::ZERO);
                // The first definition stays: without it there is nothing to limit.
                let told: Vec<_> = lines.iter().skip(1).filter(|line| line["rule"].is_null()).collect();
                if told.is_empty() {
                    return;
                }
                let id = told[told.len().saturating_sub(1 + step.which % told.len().min(6))]["id"].clone();
                self.line(&json!({"do": "revert", "event": id, "reason": "a slip"}), None, None);
            }
        }
    }
}

fn at(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).expect("a time")
}

/// Names the period that a calendar shows in a zone.
fn shown(zone: Zone, per: &str, time: DateTime<Utc>) -> String {
    let shown = zone.at(Timestamp::new(time).expect("a year"));
    let format = match per {
        "day" => "%Y-%m-%d",
        "week" => "%G-W%V",
        _ => "%Y-%m",
    };
    shown.format(format).to_string()
}

/// A limit of periods as the lines tell it: from the period on in which it was set, until another one's.
struct Limit {
    zone: Zone,
    limit: Option<i128>,
    from: String,
}

/// How far what counts for each period is over its limit, and what counts: by what it is of, the length, the name.
type Levels = BTreeMap<(String, String, String), (u8, i128, i128)>;

/// Works out the level of each period with a limit after some lines.
fn levels(game: &Game, lines: &[Value]) -> Levels {
    let mut limits: BTreeMap<(String, String), Vec<Limit>> = BTreeMap::new();
    let mut costs: Vec<(String, DateTime<Utc>, i128)> = Vec::new();
    for line in lines {
        let data = &line["data"];
        match line["kind"].as_str() {
            Some("cost_limit_set") if !data["period"].is_null() => {
                let about = subject(line).unwrap_or_else(|| string(&line["workflow"]));
                let per = string(&data["period"]["per"]);
                let number = ABOUT.iter().position(|name| *name == about).expect("known");
                let zone = game.zone(number, per.parse().expect("a length"));
                let from = shown(zone, &per, at(&line["at"]));
                let known = limits.entry((about, per)).or_default();
                known.retain(|limit| limit.from < from);
                known.push(Limit { zone, limit: amount(&data["limit"]), from });
            }
            Some("cost_recorded") => {
                let counts = if data["counts_at"].is_null() { &line["at"] } else { &data["counts_at"] };
                let more = amount(&data["amount"]).expect("an amount");
                costs.push((subject(line).expect("a phase"), at(counts), more));
                costs.push((string(&line["workflow"]), at(counts), more));
            }
            _ => {}
        }
    }
    let mut levels = Levels::new();
    for ((about, per), known) in &limits {
        for (name, time, _) in costs.iter().filter(|(of, ..)| of == about) {
            let key = shown(known[0].zone, per, *time);
            let Some(limit) = known.iter().rfind(|limit| limit.from <= key) else { continue };
            let Some(most) = limit.limit else { continue };
            let of_period = |(of, at, _): &&(String, DateTime<Utc>, i128)| {
                of == name && shown(limit.zone, per, *at) == key
            };
            let spent: i128 = costs.iter().filter(of_period).map(|(_, _, more)| more).sum::<i128>().max(0);
            let level = if spent > most { 2 } else { u8::from(most > 0 && spent * 5 >= most * 4) };
            levels.insert((about.clone(), per.clone(), key), (level, spent, most));
        }
    }
    levels
}

fn told_of(line: &Value) -> Option<((String, String, String), u8)> {
    let level = match line["kind"].as_str()? {
        "cost_warning_raised" => 1,
        "cost_limit_exceeded" => 2,
        _ => return None,
    };
    let period = line["data"].get("period")?;
    let about = subject(line).unwrap_or_else(|| string(&line["workflow"]));
    Some(((about, string(&period["per"]), string(&period["name"])), level))
}

fn end_of_command(lines: &[Value], start: usize) -> usize {
    let id = &lines[start]["command_id"];
    start + lines[start..].iter().take_while(|line| line["command_id"] == *id).count()
}

fn periods_of(costs: &WorkflowCosts) -> BTreeSet<(String, String, String, i128, i128)> {
    let whole = costs.budget.periods.iter().map(|view| ("w".to_owned(), view));
    let own = costs
        .phases
        .iter()
        .flat_map(|phase| phase.budget.periods.iter().map(move |view| (format!("w/{}", phase.phase), view)));
    let all = whole.chain(own).map(|(about, view)| {
        let (per, name) = (view.period.per.to_string(), view.period.name.clone());
        (about, per, name, units(&view.spent.to_string()), units(&view.limit.to_string()))
    });
    all.collect()
}

proptest! {
    #![proptest_config(cases(96))]

    /// Whatever becomes known in whatever order: where a command takes what counts for a period to 80 % of its limit, or
    /// over it, its events say so, once; and nothing is said that is not so. What fails an attempt is caused by a limit.
    #[test]
    fn no_limit_of_a_period_is_passed_without_its_event(
        steps in steps(), begins in 0_usize..3, zones in 0_usize..5,
    ) {
        let mut game = Game::new(begins, zones);
        steps.iter().for_each(|step| game.step(step));
        let lines = game.shared.json(phaseledger::model::Seq::ZERO);
        let mut told: BTreeMap<(String, String, String), u8> = BTreeMap::new();
        let mut start = 0;
        while start < lines.len() {
            let end = end_of_command(&lines, start);
            let after = levels(&game, &lines[..end]);
            told.retain(|key, said| match after.get(key) {
                Some((level, ..)) => { *said = (*said).min(*level); *said > 0 }
                None => false,
            });
            let mut wanted = Vec::new();
            for (key, (level, ..)) in &after {
                let said = told.get(key).copied().unwrap_or(0);
                let has_warning = after[key].2 > 0;
                wanted.extend((said < 1 && *level >= 1 && has_warning).then(|| (key.clone(), 1)));
                wanted.extend((said < 2 && *level == 2).then(|| (key.clone(), 2)));
                if *level > said {
                    told.insert(key.clone(), *level);
                }
            }
            let mut found: Vec<_> = lines[start..end].iter().filter_map(told_of).collect();
            found.sort();
            prop_assert_eq!(&found, &wanted, "{:#?}", &lines[start..end]);
            for line in &lines[start..end] {
                if let Some((key, _)) = told_of(line) {
                    let (_, spent, most) = after[&key];
                    prop_assert_eq!(amount(&line["data"]["spent"]), Some(spent));
                    prop_assert_eq!(amount(&line["data"]["limit"]), Some(most));
                    let (from, to) = (at(&line["data"]["period"]["from"]), at(&line["data"]["period"]["to"]));
                    let number = ABOUT.iter().position(|name| *name == key.0).expect("known");
                    let zone = game.zone(number, key.1.parse().expect("a length"));
                    let day = |time| shown(zone, &key.1, time);
                    let near = Duration::microseconds(1);
                    prop_assert!(day(from - near) < key.2 && day(from) == key.2);
                    prop_assert!(day(to - near) == key.2 && day(to) > key.2);
                }
            }
            start = end;
        }
        let verified = game.shared.ledger().verify(false, |_| {}).expect("memory");
        prop_assert!(verified.is_ok(), "{:?}", verified);
    }

    /// As of any instant, what `cost summary` tells of the periods of then is what the lines that had taken effect add up to.
    #[test]
    fn periods_are_those_of_the_instant_that_is_asked_about(
        steps in steps(), begins in 0_usize..3, zones in 0_usize..5, instant in any::<prop::sample::Index>(),
    ) {
        let mut game = Game::new(begins, zones);
        steps.iter().for_each(|step| game.step(step));
        let lines = game.shared.json(phaseledger::model::Seq::ZERO);
        let minutes = (game.now - at(&lines[0]["at"])).num_minutes().unsigned_abs() as usize;
        let time = at(&lines[0]["at"]) + Duration::minutes(instant.index(minutes + 1) as i64);
        let cut: Vec<Value> = lines.iter().filter(|line| at(&line["at"]) <= time).cloned().collect();
        let when = When { base: WhenBase::Time(Timestamp::new(time).expect("a year")), back: 0 };
        let open = || Ok::<_, AskError>(game.shared.ledger());
        let answered = ask::answer(open, &Moment::at(when), &CostSummary::default()).expect("memory");
        let found = periods_of(&answered.view.expect("one workflow").workflows[0]);
        let mut expected = BTreeSet::new();
        for (about, number) in ABOUT.iter().zip(0..) {
            for per in Per::ALL {
                let zone = game.zone(number, per);
                let key = shown(zone, per.as_str(), time);
                let set = cut.iter().filter(|line| {
                    let of = subject(line).unwrap_or_else(|| string(&line["workflow"]));
                    line["kind"] == "cost_limit_set" && of == *about && line["data"]["period"]["per"] == per.as_str()
                });
                // The last one that was set in that period or before, of those that were not set anew from earlier on.
                let mut known: Vec<(String, Option<i128>)> = Vec::new();
                for line in set {
                    let from = shown(zone, per.as_str(), at(&line["at"]));
                    known.retain(|(earlier, _)| *earlier < from);
                    known.push((from, amount(&line["data"]["limit"])));
                }
                let Some((_, Some(limit))) = known.iter().rfind(|(from, _)| *from <= key) else { continue };
                let spent: i128 = cut.iter().filter(|line| line["kind"] == "cost_recorded").filter(|line| {
                    let counts = line["data"].get("counts_at").unwrap_or(&line["at"]);
                    let is_of = *about == "w" || subject(line).as_deref() == Some(*about);
                    is_of && shown(zone, per.as_str(), at(counts)) == key
                }).map(|line| amount(&line["data"]["amount"]).expect("an amount")).sum();
                expected.insert(((*about).to_owned(), per.to_string(), key, spent.max(0), *limit));
            }
        }
        prop_assert_eq!(found, expected);
    }

    /// Whoever asks for how much, and whatever is spent, released or over meanwhile: what is held beside what was spent
    /// passes no limit at the moment of any grant, and nothing is refused that fits.
    #[test]
    fn grants_never_pass_a_limit(
        steps in prop::collection::vec((0_u8..10, 0_usize..2, 1_u32..9, 0_u32..90), 1..80), limit in 4_u32..30,
    ) {
        let mut game = Game::new(0, 3);
        let limits = [("w", None, limit + 6), ("w/a", None, limit), ("w", Some("day"), limit + 2), ("w/b", Some("day"), limit / 2)];
        for (about, per, most) in limits {
            let mut line = json!({"do": "cost_limit", "limit": most.to_string()});
            match about {
                "w" => line["workflow"] = json!("w"),
                phase => line["phase"] = json!(phase),
            }
            if let Some(per) = per {
                line["per"] = json!(per);
            }
            prop_assert!(game.line(&line, None, None));
        }
        // What is held: the id, the phase, how much, until when.
        let mut held: Vec<(String, usize, u32, DateTime<Utc>)> = Vec::new();
        let mut spent: Vec<(usize, u32, DateTime<Utc>)> = Vec::new();
        for (verb, about, number, after) in steps {
            // Never the instant of the step before, for an event would be told for one behind it.
            game.now += if after == 0 { Duration::seconds(1) } else { Duration::minutes(after.into()) };
            let (now, phase) = (game.now, ["a", "b"][about]);
            match verb {
                0..=5 => {
                    let fits = limits.iter().all(|(of, per, most)| {
                        let is_of = |phase: usize| *of == "w" || *of == ["w/a", "w/b"][phase];
                        if !is_of(about) {
                            return true;
                        }
                        let is_then = |at: &DateTime<Utc>| per.is_none() || at.date_naive() == now.date_naive();
                        let paid: u32 = spent.iter().filter(|(of, _, at)| is_of(*of) && is_then(at)).map(|paid| paid.1).sum();
                        let taken: u32 = held.iter().filter(|it| is_of(it.1) && it.3 > now).map(|it| it.2).sum();
                        paid + taken + number <= *most
                    });
                    let line = json!({"do": "cost_reserve", "phase": phase, "amount": number.to_string(), "for": "90m"});
                    prop_assert_eq!(game.line(&line, None, None), fits);
                    if fits {
                        held.push((format!("key:{}", game.sent), about, number, now + Duration::minutes(90)));
                    }
                }
                6 | 7 if !held.is_empty() => {
                    let (id, about, amount, until) = held.remove(number as usize % held.len());
                    let phase = ["a", "b"][about];
                    let line = json!({"do": "cost", "phase": phase, "amount": amount.to_string(), "reservation": id});
                    prop_assert!(game.line(&line, None, None), "money spent is a fact, also where the time is over: {}", until);
                    spent.push((about, amount, now));
                }
                8 if !held.is_empty() => {
                    let number = number as usize % held.len();
                    let line = json!({"do": "cost_release", "reservation": held[number].0});
                    let released = game.line(&line, None, None);
                    prop_assert_eq!(released, held[number].3 > now);
                    if released {
                        held.remove(number);
                    }
                }
                _ => {}
            }
        }
        let verified = game.shared.ledger().verify(false, |_| {}).expect("memory");
        prop_assert!(verified.is_ok(), "{:?}", verified);
    }
}

/// The clocks that an event has are those of the zone, whoever reads them: at any instant of some years, of each zone that
/// the machine knows. Where there is no database there is nothing to compare.
#[test]
fn clocks_that_are_told_are_those_of_the_zone() {
    let folder = std::path::Path::new("/usr/share/zoneinfo");
    let names = [
        "Europe/Berlin",
        "America/New_York",
        "America/Havana",
        "America/St_Johns",
        "Africa/Casablanca",
        "America/Nuuk",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "Pacific/Apia",
        "Asia/Gaza",
        "Europe/Dublin",
        "America/Sao_Paulo",
        "Antarctica/Troll",
    ];
    let since: Timestamp = "2026-01-15T12:00:00Z".parse().expect("a time");
    let made =
        [("Made/Berlin", tzif(BERLIN)), ("Made/Havana", tzif(HAVANA)), ("Made/Kathmandu", tzif(KATHMANDU))];
    let known = names.iter().filter_map(|name| Some((*name, std::fs::read(folder.join(name)).ok()?)));
    for (name, bytes) in made.into_iter().chain(known) {
        let zone = Zone::named(name, &bytes).expect(name);
        let clocks = Clocks::of(zone, since).expect(name);
        let text = serde_json::to_string(&clocks).expect("written");
        let clocks: Clocks = serde_json::from_str(&text).expect(&text);
        let mut time = since.utc();
        while time < since.utc() + Duration::days(3 * 365) {
            let at = Timestamp::new(time).expect("a year");
            let day = clocks.period(Per::Day, at);
            assert_eq!(day.name, shown(zone, "day", time), "{name} {at}");
            assert_eq!(shown(zone, "day", day.from.utc()), day.name, "{name} {at}");
            assert!(shown(zone, "day", day.from.utc() - Duration::seconds(1)) < day.name, "{name} {at}");
            assert_eq!(clocks.period(Per::Day, day.to).from, day.to, "{name} {at}: days follow one another");
            time += Duration::minutes(437);
        }
    }
}

/// A limit in another zone takes the place of the one before from its own period on; a cost for a day before counts there.
#[test]
fn a_limit_in_another_zone_begins_where_it_is_set() {
    let mut game = Game::new(0, 3);
    game.now = "2026-05-04T12:00:00Z".parse().expect("a time");
    let set = |zone: &str, limit: &str| json!({"do": "cost_limit", "phase": "a", "limit": limit, "per": "day", "tz": zone});
    assert!(game.line(&set("UTC", "5"), None, Some(Zone::utc())));
    game.now += Duration::days(1);
    assert!(game.line(&set("Europe/Berlin", "50"), None, Some(zone(0))));
    let cost = json!({"do": "cost", "phase": "a", "amount": "6"});
    assert!(game.line(&cost, Some(24 * 60), None), "it is yesterday's, by the clocks of then");
    assert!(game.line(&cost, None, None));
    let lines = game.shared.json(phaseledger::model::Seq::ZERO);
    let told: Vec<_> = lines.iter().filter_map(told_of).map(|((_, _, name), level)| (name, level)).collect();
    assert_eq!(told, [("2026-05-04".to_owned(), 1), ("2026-05-04".to_owned(), 2)]);
}

/// A ledger without a hint of the present answers by its last event.
#[test]
fn without_a_clock_the_last_event_tells_the_day() {
    let open = || Ok::<_, AskError>(Ledger::new(Box::new(MemoryStore::new())));
    let answered = ask::answer(open, &Moment::HEAD, &CostSummary::default()).expect("memory");
    assert!(answered.view.expect("no workflows").workflows.is_empty());
}
