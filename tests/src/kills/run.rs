//! Workers that are killed at any moment, and what is left when all are dead.

use std::io::{Error, Result};
use std::time::{Duration, Instant};

use oorandom::Rand64;
use tidegate::OnUnavailable;

use super::crew::Member;
use super::held::Bytes;
use super::record::MOST_AT_ONCE;
use super::scene::{self, Key, Scene};
use super::verdict::Records;
use super::{after, pulse};

/// A worker that runs and has given no sign of life for this long hangs. No call of a worker waits
/// longer than a tenth of a second for each of the keys that it names, and the machine is shared.
pub const HANGS: Duration = Duration::from_secs(10);

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many workers are killed, and replaced.
    pub kills: u64,
    /// How many work at once.
    pub processes: u64,
    /// Where the random choices start.
    pub seed: u64,
}

/// How a worker came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// Killed while everybody works.
    AtWork,
    /// Killed at work while all others stand still, so that what it held can be read.
    Watched,
    /// Stopped for a while, and killed then.
    Stopped,
}

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Workers that were killed.
    pub kills: u64,
    /// Those of them that were looked at afterwards, before anybody else could go on.
    pub looked_at: u64,
    /// Those of these that had died with something locked.
    pub holding: u64,
    /// Pauses of workers that went on afterwards.
    pub pauses: u64,
    /// Calls of all workers.
    pub calls: u64,
    /// Calls that found their key unavailable.
    pub unavailable: u64,
    /// The longest call, in which a worker may have been stopped or not been given the processor.
    pub longest_call: Duration,
    /// The longest time without a sign of life of a worker that ran.
    pub longest_silence: Duration,
    /// Admissions that were judged.
    pub admissions: u64,
    /// Units of them.
    pub units: u64,
    /// Keys of them.
    pub keys: u64,
    /// Limits that were certainly exceeded, in words.
    pub violations: Vec<String>,
    /// What else was wrong: hangs, quota or room that did not come back.
    pub faults: Vec<String>,
    /// The longest call of a fresh process when all were dead.
    pub longest_after: Duration,
    /// How long it took, in all.
    pub time: Duration,
}

impl Outcome {
    /// Whether all claims hold.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.faults.is_empty()
    }

    /// The most admissions that nobody knows of: those of a call whose process was killed after it
    /// and before it was written down.
    #[must_use]
    pub fn hidden_at_most(&self) -> u64 {
        self.kills * MOST_AT_ONCE as u64
    }
}

/// A run under way.
struct Run {
    plan: Plan,
    scene: Scene,
    segments: Vec<Bytes>,
    crew: Vec<Member>,
    started: u64,
    random: Rand64,
    outcome: Outcome,
}

/// Does it.
///
/// # Errors
/// Processes or files cannot be had, or a worker ended by itself.
pub fn run(plan: Plan) -> Result<Outcome> {
    let begun = Instant::now();
    let folder = scene::folder()?;
    let mut run = Run::new(plan, Scene { folder: folder.path().to_owned() })?;
    for _ in 0..plan.processes {
        run.start_one()?;
    }
    while run.outcome.kills < plan.kills && run.outcome.faults.is_empty() {
        run.turn()?;
    }
    run.end()?;
    Ok(Outcome { time: begun.elapsed(), ..run.outcome })
}

impl Run {
    fn new(plan: Plan, scene: Scene) -> Result<Self> {
        scene.open(OnUnavailable::Deny).map_err(Error::other)?;
        let segments = (0..scene::limits().len()).map(|which| Bytes::open(&scene.segment(which)));
        let segments = segments.collect::<Result<Vec<_>>>()?;
        // Names begin again in the midst of the run.
        segments.iter().try_for_each(|segment| segment.wear_seats(plan.processes, 20))?;
        let (random, outcome) = (Rand64::new(u128::from(plan.seed)), Outcome::default());
        Ok(Self { plan, scene, segments, crew: Vec::new(), started: 0, random, outcome })
    }

    fn start_one(&mut self) -> Result<()> {
        let member = Member::start(&self.scene, self.started, self.plan.seed, OnUnavailable::Deny)?;
        self.started += 1;
        self.crew.push(member);
        Ok(())
    }

    /// Lets everybody work for a random while, then does something to one of them.
    fn turn(&mut self) -> Result<()> {
        self.sleep_up_to(20_000);
        self.watch();
        let victim = self.random.rand_range(0..self.crew.len() as u64) as usize;
        match self.random.rand_range(0..8) {
            0 | 1 => self.pause(victim),
            2..5 => self.replace(victim, Death::AtWork),
            5 | 6 => self.replace(victim, Death::Watched),
            _ => self.replace(victim, Death::Stopped),
        }
    }

    fn sleep_up_to(&mut self, micros: u64) {
        std::thread::sleep(Duration::from_micros(self.random.rand_range(0..micros)));
    }

    /// Looks for workers that give no sign of life.
    fn watch(&mut self) {
        for member in &self.crew {
            let silent = member.silent_for(&self.scene);
            self.outcome.longest_silence = self.outcome.longest_silence.max(silent);
            if silent > HANGS {
                self.outcome.faults.push(format!("worker {} hangs for {silent:?}", member.number));
            }
        }
    }

    fn pause(&mut self, victim: usize) -> Result<()> {
        self.member(victim)?.stop()?;
        self.sleep_up_to(8_000);
        self.outcome.pauses += 1;
        self.member(victim)?.go_on()
    }

    fn member(&mut self, at: usize) -> Result<&mut Member> {
        self.crew.get_mut(at).ok_or_else(|| Error::other("no such worker"))
    }

    /// Kills a worker and puts another in its place.
    fn replace(&mut self, victim: usize, death: Death) -> Result<()> {
        let victim = self.crew.swap_remove(victim);
        let pid = victim.pid();
        match death {
            Death::AtWork => victim.kill()?,
            Death::Stopped => {
                victim.stop()?;
                self.sleep_up_to(20_000);
                self.look_at(pid)?;
                victim.kill()?;
            }
            Death::Watched => {
                self.crew.iter().try_for_each(Member::stop)?;
                victim.kill()?;
                self.look_at(pid)?;
                self.crew.iter_mut().try_for_each(Member::go_on)?;
            }
        }
        self.outcome.kills += 1;
        self.start_one()
    }

    /// Whether somebody who does not move any more holds something.
    fn look_at(&mut self, pid: u32) -> Result<()> {
        let held = self.segments.iter().map(|segment| segment.held_by(pid)).sum::<Result<usize>>()?;
        self.outcome.looked_at += 1;
        self.outcome.holding += u64::from(held > 0);
        Ok(())
    }

    /// Kills everybody, then judges.
    fn end(&mut self) -> Result<()> {
        std::mem::take(&mut self.crew).into_iter().try_for_each(Member::kill)?;
        after::look(&self.scene, &mut self.outcome)?;
        for pulse in (0..self.started).filter_map(|number| pulse::read(&self.scene.pulse(number))) {
            self.outcome.calls += pulse.calls;
            self.outcome.unavailable += pulse.unavailable;
            self.outcome.longest_call = self.outcome.longest_call.max(Duration::from_nanos(pulse.longest));
        }
        self.judge()
    }

    fn judge(&mut self) -> Result<()> {
        let files = (0..self.started).map(|number| self.scene.records(number)).filter(|file| file.exists());
        let (records, limits) = (Records::read(files)?, scene::limits());
        self.outcome.admissions = records.admissions() as u64;
        self.outcome.units = records.units();
        self.outcome.keys = records.keys() as u64;
        let of = |key| limits.get(scene::segment_of(key)).map_or(&[][..], Vec::as_slice);
        self.outcome.violations = records.violations(of);
        Ok(())
    }
}

/// The keys that are looked at when all is over.
pub(super) fn known_keys() -> impl Iterator<Item = Key> {
    (0..=scene::HOT).map(Key)
}
