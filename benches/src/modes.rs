//! The situations that are measured, and who takes part in each. The one list to read to know
//! what a table holds.

use crate::Result;
use crate::contender::Contender;
use crate::harness::{Expect, Mode, Settings};
use crate::keys::Questions;
#[cfg(target_os = "linux")]
use crate::subjects::segment;
use crate::subjects::tidegate::{self, Ask};
use crate::subjects::{Situation, gcra, governor, rate_net, ratelimit, throttlecrab};

use Expect::{Allowed, Denied};

/// A mode by its id, made when its turn comes: the large ones take gigabytes.
pub struct Entry {
    /// The mode's id.
    pub id: &'static str,
    /// Makes it.
    pub make: fn(&'static str, Settings) -> Result<Mode>,
}

/// All modes, in the order of the tables.
pub const ALL: &[Entry] = &[
    Entry { id: "hot-allowed", make: hot_allowed },
    Entry { id: "hot-allowed-moving", make: hot_allowed_moving },
    Entry { id: "hot-denied", make: hot_denied },
    Entry { id: "10k-allowed", make: ten_thousand_allowed },
    Entry { id: "10k-denied", make: ten_thousand_denied },
    Entry { id: "1m-allowed", make: million_allowed },
    Entry { id: "1m-allowed-busy", make: million_allowed_busy },
    Entry { id: "1m-denied", make: million_denied },
    Entry { id: "two-threads-allowed", make: two_threads_allowed },
    Entry { id: "two-threads-denied", make: two_threads_denied },
    Entry { id: "quota-allowed", make: quota_allowed },
    Entry { id: "quota-denied", make: quota_denied },
    #[cfg(target_os = "linux")]
    Entry { id: "segment-allowed", make: segment_allowed },
    #[cfg(target_os = "linux")]
    Entry { id: "segment-denied", make: segment_denied },
    #[cfg(target_os = "linux")]
    Entry { id: "segment-1m-allowed", make: segment_million },
    #[cfg(target_os = "linux")]
    Entry { id: "two-processes-allowed", make: two_processes_allowed },
    #[cfg(target_os = "linux")]
    Entry { id: "two-processes-denied", make: two_processes_denied },
];

/// The quotas between which the cost of a check must not differ, and their names in the tables.
pub const QUOTAS: [(u64, &str); 3] =
    [(10, "tidegate log of 10"), (1_000, "tidegate log of 1,000"), (10_000, "tidegate log of 10,000")];

/// The name of the single thread that the denials of two are held against.
pub const ONE_THREAD: &str = "tidegate check, one thread";

/// Keys of the hot mode whose checks are admitted, few enough for the nearest caches, and checks
/// of each in a row: most of the seed's burst of ten.
const HOT: (usize, usize) = (16, 8);

fn situation(questions: &Questions, expect: Expect) -> Situation<'_> {
    Situation { expect, keys: &questions.distinct, threads: 1, live: 0, undo: false }
}

/// All peers, the yardstick first.
fn peers(situation: Situation<'_>) -> Result<Vec<Contender>> {
    Ok(vec![
        governor::from_str(situation)?,
        governor::owned(situation)?,
        governor::owned_upkeep(situation)?,
        rate_net::log(situation)?,
        rate_net::log_coarse(situation)?,
        rate_net::bucket(situation)?,
        gcra::contender(situation),
        throttlecrab::contender(situation),
    ])
}

/// tidegate in each of these ways, then all peers.
fn everybody(asks: &[Ask], situation: Situation<'_>) -> Result<Vec<Contender>> {
    let ours = asks.iter().map(|&ask| tidegate::seed(ask, situation));
    let mut contenders = ours.collect::<Result<Vec<_>>>()?;
    contenders.extend(peers(situation)?);
    Ok(contenders)
}

const ONE_BY_ONE: [Ask; 3] = [Ask::Check, Ask::CheckAndRead, Ask::Allow];

fn hot_allowed(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(HOT.0, HOT.1);
    let situation = Situation { undo: true, ..situation(&questions, Allowed) };
    let mut contenders = everybody(&ONE_BY_ONE, situation)?;
    contenders.insert(ONE_BY_ONE.len(), tidegate::seed_precise(situation)?);
    contenders.push(ratelimit::contender(situation)?);
    let title = "hot keys, allowed: 16 keys, 8 checks of each in a row";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

fn hot_allowed_moving(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, 1_000);
    let situation = situation(&questions, Allowed);
    let contenders =
        vec![tidegate::moving_seed()?, governor::from_str(situation)?, governor::owned(situation)?];
    let title = "hot key, allowed, its log full: one unit expires for each admitted";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

fn hot_denied(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, 1_000);
    let situation = situation(&questions, Denied);
    let mut contenders = everybody(&ONE_BY_ONE, situation)?;
    contenders.insert(ONE_BY_ONE.len(), tidegate::seed_precise(situation)?);
    contenders.push(ratelimit::contender(situation)?);
    Ok(Mode { id, title: "hot key, denied", expect: Denied, questions, contenders })
}

fn ten_thousand_allowed(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::uniform(10_000, 200_000, 20_000);
    let situation = Situation { undo: true, ..situation(&questions, Allowed) };
    let contenders = everybody(&ONE_BY_ONE, situation)?;
    Ok(Mode { id, title: "10,000 keys uniform, allowed", expect: Allowed, questions, contenders })
}

fn ten_thousand_denied(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::uniform(10_000, 200_000, 20_000);
    let contenders = everybody(&ONE_BY_ONE, situation(&questions, Denied))?;
    Ok(Mode { id, title: "10,000 keys uniform, denied", expect: Denied, questions, contenders })
}

const LARGE: [Ask; 5] = [Ask::Check, Ask::CheckAndRead, Ask::Allow, Ask::CheckMany, Ask::CheckManyWith];

fn million(settings: Settings) -> Questions {
    Questions::uniform(settings.million, settings.million, settings.million / 4)
}

fn million_allowed(id: &'static str, settings: Settings) -> Result<Mode> {
    let questions = million(settings);
    let contenders = everybody(&LARGE, Situation { live: 2, undo: true, ..situation(&questions, Allowed) })?;
    let title = "1,000,000 keys uniform, allowed, 2 live units a key";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

fn million_allowed_busy(id: &'static str, settings: Settings) -> Result<Mode> {
    let questions = million(settings);
    // Nothing is taken back: a log that has been given units back writes to no ring for a while. Only
    // in a quick run the keys are so few that their bursts would not last.
    let undo = settings.million < Settings::FULL.million;
    let contenders = everybody(&LARGE, Situation { live: 50, undo, ..situation(&questions, Allowed) })?;
    let title = "1,000,000 keys uniform, allowed, 50 to 56 live units a key";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

fn million_denied(id: &'static str, settings: Settings) -> Result<Mode> {
    let questions = million(settings);
    let contenders = everybody(&LARGE, situation(&questions, Denied))?;
    let title = "1,000,000 keys uniform, denied, logs of 100 full";
    Ok(Mode { id, title, expect: Denied, questions, contenders })
}

fn two_threads_allowed(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, tidegate::WIDE_CHECKS);
    let situation = Situation { threads: 2, undo: true, ..situation(&questions, Allowed) };
    let mut contenders = vec![tidegate::wide(Ask::Check, situation)?, tidegate::wide(Ask::Allow, situation)?];
    contenders.extend(peers(situation)?);
    contenders.push(ratelimit::contender(situation)?);
    let title = "two threads, same key, allowed (ns a check and thread)";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

fn two_threads_denied(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, tidegate::WIDE_CHECKS);
    let situation = Situation { threads: 2, ..situation(&questions, Denied) };
    let mut contenders = everybody(&[Ask::Check, Ask::Allow], situation)?;
    contenders.push(ratelimit::contender(situation)?);
    let alone = tidegate::seed(Ask::Check, Situation { threads: 1, ..situation })?;
    contenders.insert(0, Contender { name: ONE_THREAD, ..alone });
    let title = "two threads, same key, denied (ns a check and thread)";
    Ok(Mode { id, title, expect: Denied, questions, contenders })
}

fn quota_allowed(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, 1_000);
    let contenders = QUOTAS.map(|(quota, name)| tidegate::moving_log(name, quota));
    let contenders = contenders.into_iter().collect::<Result<_>>()?;
    let title = "cost against quota, hot key, allowed, logs full: one unit expires for each admitted";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

fn quota_denied(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, 1_000);
    let situation = situation(&questions, Denied);
    let contenders = QUOTAS.map(|(quota, name)| tidegate::full_log(name, quota, situation));
    let contenders = contenders.into_iter().collect::<Result<_>>()?;
    let title = "cost against quota, hot key, denied, logs full";
    Ok(Mode { id, title, expect: Denied, questions, contenders })
}

#[cfg(target_os = "linux")]
fn beside_a_segment(situation: Situation<'_>) -> Result<Vec<Contender>> {
    Ok(vec![
        tidegate::seed(Ask::Check, situation)?,
        segment::seed(Ask::Check, situation)?,
        tidegate::seed(Ask::Allow, situation)?,
        segment::seed(Ask::Allow, situation)?,
    ])
}

#[cfg(target_os = "linux")]
fn segment_allowed(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(HOT.0, HOT.1);
    let contenders = beside_a_segment(Situation { undo: true, ..situation(&questions, Allowed) })?;
    let title = "in a process and in a segment, hot keys, allowed";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

#[cfg(target_os = "linux")]
fn segment_denied(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, 1_000);
    let contenders = beside_a_segment(situation(&questions, Denied))?;
    let title = "in a process and in a segment, hot key, denied";
    Ok(Mode { id, title, expect: Denied, questions, contenders })
}

#[cfg(target_os = "linux")]
fn segment_million(id: &'static str, settings: Settings) -> Result<Mode> {
    let questions = million(settings);
    let situation = Situation { live: 2, undo: true, ..situation(&questions, Allowed) };
    let contenders = beside_a_segment(situation)?;
    let title = "in a process and in a segment, 1,000,000 keys uniform, allowed, 2 live units a key";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

#[cfg(target_os = "linux")]
fn two_processes_allowed(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, tidegate::WIDEST_CHECKS);
    let situation = Situation { threads: 2, undo: true, ..situation(&questions, Allowed) };
    let contenders = vec![segment::threads(situation)?, segment::processes(situation, &questions)?];
    let title = "two threads and two processes, same key, allowed (ns a check and thread)";
    Ok(Mode { id, title, expect: Allowed, questions, contenders })
}

#[cfg(target_os = "linux")]
fn two_processes_denied(id: &'static str, _: Settings) -> Result<Mode> {
    let questions = Questions::in_runs(1, tidegate::WIDEST_CHECKS);
    let situation = Situation { threads: 2, ..situation(&questions, Denied) };
    let contenders = vec![segment::threads(situation)?, segment::processes(situation, &questions)?];
    let title = "two threads and two processes, same key, denied (ns a check and thread)";
    Ok(Mode { id, title, expect: Denied, questions, contenders })
}
