//! Random policies and calls, drawn from plain words.
//!
//! One word makes one limit or one call, so that a list of words can come from a seed, a fuzzer
//! or proptest alike, and a failing one shrinks by leaving words out and making them smaller: a
//! word of 0 is the simplest limit or call.

use tidegate_reference::{Limit, Policy};

use crate::translate::engine_limit;

/// A policy and the calls on it.
#[derive(Clone, Debug)]
pub struct Script {
    /// What is asked for.
    pub policy: Policy,
    /// When the clock starts, in nanoseconds.
    pub start: u64,
    /// In order.
    pub steps: Vec<Step>,
}

/// A movement of the clock, then a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The movement.
    pub shift: Shift,
    /// Whom the call is for: one of a few keys.
    pub key: u8,
    /// The call.
    pub call: Call,
}

/// A movement of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// By so many nanoseconds; by none, mostly.
    Forward(u64),
    /// Back by so many nanoseconds.
    Back(u64),
    /// To the time at which the last denial said to try again.
    ToRetry,
    /// To one nanosecond before that.
    BeforeRetry,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Takes a cost from each limit.
    Take(How, Vec<u64>),
    /// Asks for the costs of the last denial, of its key, once more.
    Again,
    /// Looks.
    Peek,
    /// Gives the costs back.
    Refund(Vec<u64>),
    /// Forgets the key.
    Reset,
}

/// The ways to take the same cost from every limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `check_n`, or `check_costs` where the costs differ.
    Check,
    /// `check_costs` even where they are equal.
    Costs,
    /// `check_at`, at the clock's time.
    At,
    /// `allow_n`.
    Allow,
    /// A handle's `check_n`.
    Handle,
    /// `check_many` of this key alone.
    Many,
}

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 86_400 * SECOND;
const CENTURY: u64 = 36_500 * DAY;

/// The clock stays below this, so that no span that it is asked for ends beyond 64 bits.
pub(crate) const LATEST: u64 = u64::MAX - 3 * CENTURY;

impl Script {
    /// What these words mean.
    #[must_use]
    pub fn new(start: u64, policy: &[u64], steps: &[u64]) -> Self {
        let policy = any_policy(policy);
        let steps = steps.iter().map(|&word| any_step(&policy, word)).collect();
        Self { policy, start: any_start(start), steps }
    }
}

/// Small choices out of one word. Once it is used up, and in a word of 0, the first is chosen.
struct Draw(u64);

impl Draw {
    /// A number below `choices`, which is not 0.
    fn below(&mut self, choices: u64) -> u64 {
        let choice = self.0 % choices;
        self.0 /= choices;
        choice
    }

    fn pick<T: Copy>(&mut self, choices: &[T], otherwise: T) -> T {
        let index = self.below(choices.len() as u64);
        usize::try_from(index).ok().and_then(|i| choices.get(i)).copied().unwrap_or(otherwise)
    }

    fn one_in(&mut self, choices: u64) -> bool {
        self.below(choices) == choices - 1
    }
}

fn any_start(word: u64) -> u64 {
    let mut draw = Draw(word);
    match draw.below(4) {
        0 => draw.below(1000),
        1 => 1_716_983_970 * SECOND + draw.below(SECOND),
        2 => draw.below(1 << 40),
        _ => draw.below(LATEST / 2),
    }
}

/// One limit for each word, at most eight; those that the engine refuses are left out. Names
/// are theirs by position.
fn any_policy(words: &[u64]) -> Policy {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let limits = names.iter().zip(words).map(|(name, &word)| any_limit(name, word));
    let mut limits: Vec<_> = limits.filter(|limit| engine_limit(limit).is_ok()).collect();
    if limits.is_empty() {
        limits.push(Limit::log("a", 1, SECOND));
    }
    let tightest = words.iter().fold(0, |a, b| a ^ b).count_ones() % 4 == 1;
    Policy { limits, tightest }
}

fn any_limit(name: &str, word: u64) -> Limit {
    let mut draw = Draw(word);
    if draw.below(2) == 0 {
        let window = any_window(&mut draw);
        Limit::log(name, small(&mut draw), window)
    } else {
        let window = any_window(&mut draw);
        let quota = any_rate(&mut draw);
        Limit::bucket(name, quota, window, any_burst(&mut draw, quota))
    }
}

fn any_window(draw: &mut Draw) -> u64 {
    let round = [SECOND, MINUTE, 60 * MINUTE, DAY, 1, 1000, 1 << 30, (1 << 30) + 1, 30 * DAY];
    match draw.below(12) {
        9 => 1 + draw.below(1 << 40),
        10 => (1 + draw.below(90)) * SECOND,
        11 => CENTURY,
        chosen => usize::try_from(chosen).ok().and_then(|i| round.get(i)).copied().unwrap_or(SECOND),
    }
}

/// A quota of units that are each remembered: mostly small, so that it is used up soon.
fn small(draw: &mut Draw) -> u64 {
    let most = draw.pick(&[3, 5, 10, 30, 5, 200], 3);
    1 + draw.below(most)
}

fn any_rate(draw: &mut Draw) -> u64 {
    match draw.below(6) {
        0..3 => small(draw),
        3 => draw.pick(&[600_000_000, 999_999_937, 6_000_000_000, 1 << 53, 1_000_000_007], 1),
        4 => 1 + draw.below(1 << 20),
        _ => 1 + draw.below(1 << 45),
    }
}

fn any_burst(draw: &mut Draw, quota: u64) -> u64 {
    match draw.below(5) {
        0 => quota,
        1 => 1,
        2 => quota.saturating_mul(1 + draw.below(4)),
        3 => 1_000_000_000,
        _ => small(draw),
    }
}

fn any_step(policy: &Policy, word: u64) -> Step {
    let mut draw = Draw(word);
    let key = draw.pick(&[0, 0, 0, 1, 2], 0);
    let call = any_call(policy, &mut draw);
    let shift = match call {
        Call::Again => draw.pick(&[Shift::ToRetry, Shift::BeforeRetry, Shift::Forward(0)], Shift::Forward(0)),
        _ => any_shift(policy, &mut draw),
    };
    Step { shift, key, call }
}

fn any_call(policy: &Policy, draw: &mut Draw) -> Call {
    match draw.below(24) {
        0..14 => Call::Take(any_how(draw), any_costs(policy, draw)),
        14..19 => Call::Again,
        19 | 20 => Call::Peek,
        21 | 22 => Call::Refund(any_costs(policy, draw)),
        _ if draw.one_in(3) => Call::Reset,
        _ => Call::Peek,
    }
}

fn any_how(draw: &mut Draw) -> How {
    draw.pick(&[How::Check, How::Costs, How::At, How::Allow, How::Handle, How::Many], How::Check)
}

/// Mostly 1, else up to what the limits hold; now and then wrong.
fn any_costs(policy: &Policy, draw: &mut Draw) -> Vec<u64> {
    let holds = || policy.limits.iter().map(Limit::capacity);
    let most = holds().min().unwrap_or(1);
    let same = |cost| vec![cost; policy.limits.len()];
    match draw.below(16) {
        0..7 => same(1),
        7..10 => same(1 + draw.below(3)),
        10 => same(most),
        11 => same(1 + draw.below(most)),
        12..14 => holds().map(|most| draw.below(most.min(4) + 1)).collect(),
        14 => holds().map(|most| draw.below(most.saturating_add(1))).collect(),
        _ => draw.pick(&[same(0), same(most + 1), same(u64::MAX), vec![1; 9]].each_ref(), &same(1)).clone(),
    }
}

/// Spans that matter to one of the limits, and a few that matter to none.
fn any_shift(policy: &Policy, draw: &mut Draw) -> Shift {
    let index = usize::try_from(draw.below(policy.limits.len() as u64)).unwrap_or_default();
    let Some(limit) = policy.limits.get(index) else { return Shift::Forward(0) };
    let (tick, window) = (limit.tick(), limit.window);
    let pace = window / limit.quota;
    Shift::Forward(match draw.below(16) {
        0..5 => 0,
        5 => 1,
        6 => pace.saturating_add(draw.below(3)).saturating_sub(1),
        7 => draw.below(3 * tick),
        8 => draw.below(tick + 1) + window - 1,
        9 => draw.below(window),
        10 => draw.below(pace.saturating_mul(3).saturating_add(2)),
        11 => tick.saturating_mul(draw.below(1 << 10)),
        12 => tick.saturating_mul(((1 + draw.below(3)) << 31) + draw.below(4)),
        13 => window.saturating_mul(1 + draw.below(3)),
        14 => return Shift::Back(draw.below(window)),
        _ => return Shift::Back(draw.below(3 * tick)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_zero_are_the_simplest_script() {
        let script = Script::new(0, &[0], &[0]);
        assert_eq!(script.policy, Policy::new(vec![Limit::log("a", 1, SECOND)]));
        let call = Call::Take(How::Check, vec![1]);
        assert_eq!(script.steps, [Step { shift: Shift::Forward(0), key: 0, call }]);
    }

    #[test]
    fn every_kind_of_limit_and_call_is_drawn() {
        let mut random = oorandom::Rand64::new(1);
        let mut words = || (0..8).map(|_| random.rand_u64()).collect::<Vec<_>>();
        let scripts: Vec<_> = (0..200).map(|start| Script::new(start, &words(), &words())).collect();
        let limits = || scripts.iter().flat_map(|script| &script.policy.limits);
        assert!(limits().any(|l| l.window == CENTURY) && limits().any(|l| l.quota > 1 << 40));
        let calls = || scripts.iter().flat_map(|script| &script.steps).map(|step| &step.call);
        for call in [Call::Again, Call::Peek, Call::Reset] {
            assert!(calls().any(|drawn| *drawn == call), "{call:?}");
        }
        assert!(scripts.iter().flat_map(|s| &s.steps).any(|s| matches!(s.shift, Shift::Back(1..))));
    }
}
