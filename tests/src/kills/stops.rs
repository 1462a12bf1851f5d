//! A worker that is stopped in the midst of a call delays the others by a bounded time only.

use std::io::{Error, Result};
use std::time::Duration;

use oorandom::Rand64;
use tidegate::OnUnavailable;

use super::crew::Member;
use super::held::Bytes;
use super::pulse;
use super::scene::{self, Scene};
use super::verdict::Records;

/// For how long a worker that holds something is stopped: longer than others wait for it.
const STOPPED: Duration = Duration::from_millis(300);

/// What became of the others.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How often the worker was stopped.
    pub stops: u64,
    /// How often it held something then, and was left so for longer.
    pub holding: u64,
    /// Calls of the others.
    pub calls: u64,
    /// The longest of these.
    pub longest_call: Duration,
    /// Those that could not have their key.
    pub unavailable: u64,
    /// Those that were admitted without being counted.
    pub uncounted: u64,
    /// Admissions of all that were judged.
    pub admissions: u64,
    /// Limits that were certainly exceeded, in words.
    pub violations: Vec<String>,
}

/// The longest that a call may take, with all that a shared machine adds to it.
pub const BOUND: Duration = Duration::from_secs(1);

impl Outcome {
    /// Whether nobody waited for long, what was chosen was done, and no limit was exceeded.
    #[must_use]
    pub fn is_good(&self, on_unavailable: OnUnavailable) -> bool {
        let as_chosen = (self.uncounted > 0) == (on_unavailable == OnUnavailable::Allow);
        self.longest_call < BOUND && self.unavailable > 0 && as_chosen && self.violations.is_empty()
    }
}

/// Stops one of `processes` workers until it has been stopped `holding` times with something locked.
///
/// # Errors
/// Processes or files cannot be had, or it never holds anything.
pub fn run(processes: u64, holding: u64, seed: u64, on_unavailable: OnUnavailable) -> Result<Outcome> {
    let folder = scene::folder()?;
    let scene = Scene { folder: folder.path().to_owned() };
    drop(scene.open(on_unavailable).map_err(Error::other)?);
    let start = |number| Member::start(&scene, number, seed, on_unavailable);
    let crew = (0..processes).map(start).collect::<Result<Vec<_>>>()?;
    let mut crew = crew.into_iter();
    let mut victim = crew.next().ok_or_else(|| Error::other("at least one process is needed"))?;
    let others: Vec<_> = crew.collect();
    let mut outcome = Outcome::default();
    stop_again_and_again(&scene, &mut victim, holding, seed, &mut outcome)?;
    for member in others {
        let pulse = pulse::read(&scene.pulse(member.number)).unwrap_or_default();
        member.kill()?;
        outcome.calls += pulse.calls;
        outcome.unavailable += pulse.unavailable;
        outcome.uncounted += pulse.uncounted;
        outcome.longest_call = outcome.longest_call.max(Duration::from_nanos(pulse.longest));
    }
    victim.kill()?;
    let (records, limits) = (Records::read((0..processes).map(|n| scene.records(n)))?, scene::limits());
    outcome.admissions = records.admissions() as u64;
    outcome.violations =
        records.violations(|key| limits.get(scene::segment_of(key)).map_or(&[][..], Vec::as_slice));
    Ok(outcome)
}

fn stop_again_and_again(
    scene: &Scene,
    victim: &mut Member,
    holding: u64,
    seed: u64,
    outcome: &mut Outcome,
) -> Result<()> {
    const TRIES: u64 = 5000;
    let segments = (0..scene::limits().len()).map(|which| Bytes::open(&scene.segment(which)));
    let segments = segments.collect::<Result<Vec<_>>>()?;
    let mut random = Rand64::new(u128::from(seed));
    while outcome.holding < holding {
        if outcome.stops == TRIES {
            return Err(Error::other("it never holds anything"));
        }
        std::thread::sleep(Duration::from_micros(random.rand_range(0..10_000)));
        victim.stop()?;
        outcome.stops += 1;
        let held = segments.iter().map(|segment| segment.held_by(victim.pid())).sum::<Result<usize>>()?;
        if held > 0 {
            outcome.holding += 1;
            std::thread::sleep(STOPPED);
        }
        victim.go_on()?;
    }
    Ok(())
}
