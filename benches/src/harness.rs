//! Interleaved rounds, the stopwatch, and the proof that a mode is what it says. Knows
//! contenders and keys, no limiter.

mod pair;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::contender::Contender;
use crate::keys::Questions;

/// Keeps the calling thread on the `nth` core that it may use, where the system lets it.
pub fn pin_to_core(nth: usize) {
    pair::pin_to_core(nth);
}

/// How long and how often.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Rounds that count; one more is run before them for warmth.
    pub rounds: usize,
    /// Timed work of a contender in a round, at least.
    pub batch: Duration,
    /// What stands for the million keys of the large modes.
    pub million: usize,
}

impl Settings {
    /// For a record.
    pub const FULL: Self = Self { rounds: 21, batch: Duration::from_millis(25), million: 1_000_000 };

    /// Just enough to see that everything runs; its figures mean nothing.
    pub const QUICK: Self = Self { rounds: 2, batch: Duration::from_millis(1), million: 20_000 };
}

/// What every check of a mode must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Every check is admitted.
    Allowed,
    /// Every check is refused.
    Denied,
}

/// A situation and all who take part in it.
pub struct Mode {
    /// For records and `--only`.
    pub id: &'static str,
    /// For tables.
    pub title: &'static str,
    /// What every check must answer.
    pub expect: Expect,
    /// What is asked.
    pub questions: Questions,
    /// Who is asked, the yardstick of the tables among them.
    pub contenders: Vec<Contender>,
}

/// What a mode found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModeResult {
    /// The mode's id.
    pub id: String,
    /// The mode's title.
    pub title: String,
    /// One a contender, in the mode's order.
    pub contenders: Vec<Series>,
}

/// A contender's figures, in nanoseconds a check and thread.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Series {
    /// The contender's name.
    pub name: String,
    /// The median of the rounds.
    pub median: f64,
    /// The fastest round.
    pub min: f64,
    /// The slowest round.
    pub max: f64,
    /// Every round, in order.
    pub rounds: Vec<f64>,
}

/// Timed work of one contender in one round, summed over its threads.
#[derive(Clone, Copy, Default)]
struct Batch {
    checks: u64,
    allowed: u64,
    time: Duration,
}

impl Batch {
    fn nanos_per_check(self) -> f64 {
        self.time.as_nanos() as f64 / self.checks as f64
    }

    fn add(&mut self, other: Self) {
        self.checks += other.checks;
        self.allowed += other.allowed;
        self.time += other.time;
    }
}

/// Runs a mode: A B C, B C A, C A B, … so that no contender always follows the same other.
///
/// # Errors
/// A contender whose checks were not answered as the mode says: its figures would be of
/// something else.
pub fn run(mode: &mut Mode, settings: Settings) -> Result<ModeResult> {
    let mut nanos = vec![Vec::with_capacity(settings.rounds); mode.contenders.len()];
    for round in 0..=settings.rounds {
        for turn in 0..mode.contenders.len() {
            let who = (round + turn) % mode.contenders.len();
            let batch = measure(mode, who, round, settings.batch)?;
            match nanos.get_mut(who) {
                Some(nanos) if round > 0 => nanos.push(batch.nanos_per_check()),
                _ => {}
            }
        }
    }
    let contenders = mode.contenders.iter().zip(nanos).map(|(c, nanos)| Series::new(c.name, nanos)).collect();
    Ok(ModeResult { id: mode.id.into(), title: mode.title.into(), contenders })
}

fn measure(mode: &mut Mode, who: usize, round: usize, least: Duration) -> Result<Batch> {
    let Some(contender) = mode.contenders.get_mut(who) else { return Err("no such contender".into()) };
    (contender.prepare)()?;
    let batch = if contender.workers.len() == 2 {
        pair::time(contender, &mode.questions, round, least)?
    } else {
        time_alone(contender, &mode.questions, round, least)
    };
    prove(mode.expect, batch).map_err(|what| format!("{}, {}: {what}", mode.id, contender.name))?;
    Ok(batch)
}

fn time_alone(contender: &mut Contender, questions: &Questions, round: usize, least: Duration) -> Batch {
    let mut sum = Batch::default();
    for turn in round.. {
        let chunk = questions.chunk(turn);
        for worker in &mut contender.workers {
            let start = Instant::now();
            let allowed = worker(chunk);
            let time = start.elapsed();
            sum.add(Batch { checks: chunk.keys.len() as u64, allowed, time });
        }
        (contender.undo)(chunk);
        if sum.time >= least {
            break;
        }
    }
    sum
}

/// A limiter on a real clock frees a unit now and then; one in a thousand checks may differ.
fn prove(expect: Expect, batch: Batch) -> Result<()> {
    let strays = match expect {
        Expect::Allowed => batch.checks - batch.allowed,
        Expect::Denied => batch.allowed,
    };
    if strays > batch.checks / 1000 + 2 {
        return Err(format!("{strays} of {} checks were not {expect:?}", batch.checks).into());
    }
    Ok(())
}

impl Series {
    fn new(name: &str, rounds: Vec<f64>) -> Self {
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let (middle, last) = (sorted.len() / 2, sorted.len().saturating_sub(1));
        let median =
            if sorted.len() % 2 == 1 { at(middle) } else { (at(middle) + at(middle.wrapping_sub(1))) / 2.0 };
        Self { name: name.into(), median, min: at(0), max: at(last), rounds }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    const ONCE: Settings = Settings { rounds: 2, batch: Duration::ZERO, million: 1 };

    fn mode(expect: Expect, contenders: Vec<Contender>) -> Mode {
        Mode { id: "m", title: "M", expect, questions: Questions::in_runs(4, 1), contenders }
    }

    #[test]
    fn rounds_rotate_and_the_first_does_not_count() {
        let order = Rc::new(RefCell::new(String::new()));
        let named = |name: &'static str| {
            let order = Rc::clone(&order);
            Contender::new(name, |chunk| chunk.keys.len() as u64).preparing(move || {
                order.borrow_mut().push_str(name);
                Ok(())
            })
        };
        let mut mode = mode(Expect::Allowed, vec![named("a"), named("b"), named("c")]);
        let result = run(&mut mode, ONCE).unwrap();
        assert_eq!(*order.borrow(), "abcbcacab");
        assert!(result.contenders.iter().all(|series| series.rounds.len() == 2));
    }

    #[test]
    fn a_mode_that_is_not_what_it_says_is_an_error() {
        for (expect, allowed) in [(Expect::Allowed, 0), (Expect::Denied, 4)] {
            let mut mode = mode(expect, vec![Contender::new("liar", move |_| allowed)]);
            let error = run(&mut mode, ONCE).unwrap_err().to_string();
            assert!(error.contains("m, liar: 4 of 4 checks"), "{error}");
        }
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two() {
        assert_eq!(Series::new("odd", vec![9.0, 1.0, 3.0]).median, 3.0);
        assert_eq!(Series::new("even", vec![9.0, 1.0, 3.0, 4.0]).median, 3.5);
    }

    #[test]
    fn two_workers_run_at_once_and_both_count() {
        let shared = std::sync::Arc::new(());
        let pair = Contender::sharing("pair", &shared, 2, |(), _| true);
        let result = run(&mut mode(Expect::Allowed, vec![pair]), ONCE).unwrap();
        assert!(result.contenders.iter().all(|series| series.median > 0.0));
    }
}
