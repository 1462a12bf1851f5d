//! What a worker does until it is killed: calls of every kind, at random.

use std::cell::Cell;
use std::io::{Error, Result};

use oorandom::Rand64;
use tidegate::{Decision, Joint, Limiter, OnUnavailable, check_all};
use tidegate_reference::Limit;

use super::pulse::Heart;
use super::record::{MOST_AT_ONCE, Recorder, now};
use super::scene::{HOT, Key, NEW, Scene, Which, limits};

/// Works on the scene for ever.
///
/// # Errors
/// The segments cannot be opened, or a call fails that must not.
pub fn work(scene: &Scene, worker: u64, seed: u64, on_unavailable: OnUnavailable) -> Result<()> {
    let mut heart = Heart::start(&scene.pulse(worker))?;
    let players =
        Players { limiters: scene.open(on_unavailable).map_err(Error::other)?, uncounted: Cell::new(0) };
    let mut recorder = Recorder::create(&scene.records(worker))?;
    let mut random = Rand64::new(u128::from(seed) << 64 | u128::from(worker));
    let limits = limits();
    loop {
        let before = now();
        let choice = Choice::draw(&mut random, &limits, before);
        let taken = players.play(&choice)?;
        let after = now();
        for taken in taken {
            recorder.admitted(taken.key.recorded(taken.which), taken.cost, before, after)?;
        }
        heart.called(before, after, || (players.unavailable(), players.uncounted.get()))?;
    }
}

/// One call, before it is made.
struct Choice {
    /// What kind of a call, of a hundred.
    kind: u64,
    which: Which,
    /// Of the keys of that segment.
    n: u64,
    hot: Key,
    new: Key,
    cost: u64,
}

impl Choice {
    fn draw(random: &mut Rand64, limits: &[Vec<Limit>], now: u64) -> Self {
        let mut below = |choices: u64| random.rand_range(0..choices.max(1));
        let (kind, which, n) = (below(100), below(limits.len() as u64) as Which, below(1 << 20));
        let limits = limits.get(which).map_or(&[][..], Vec::as_slice);
        let most = limits.iter().map(Limit::capacity).min().unwrap_or(1);
        // Mostly few units; at times so many that writing them takes a while.
        let cost = match below(10) {
            0..6 => 1,
            6..9 => 1 + below(most / 40),
            _ => 1 + below(most / 2),
        };
        Self { kind, which, n, hot: Key::hot(n), new: Key::new_at(limits, now, n), cost }
    }
}

/// Units that a call took from a key.
struct Taken {
    which: Which,
    key: Key,
    cost: u64,
}

/// A process's limiters, one a segment.
struct Players {
    limiters: Vec<Limiter>,
    /// Calls that were admitted without being counted.
    uncounted: Cell<u64>,
}

impl Players {
    fn unavailable(&self) -> u64 {
        self.limiters.iter().map(|limiter| limiter.counters().unavailable).sum()
    }

    fn limiter(&self, which: Which) -> Result<&Limiter> {
        self.limiters.get(which).ok_or_else(|| Error::other("no such segment"))
    }

    /// Whether a decision took from the key's quota.
    fn was_taken(&self, decision: &Decision<'_>) -> bool {
        if decision.allowed() && !decision.tracked() {
            self.uncounted.set(self.uncounted.get() + 1);
        }
        decision.allowed() && decision.tracked()
    }

    /// Makes the call; what it took.
    fn play(&self, choice: &Choice) -> Result<Vec<Taken>> {
        let Choice { kind, which, hot, new, .. } = *choice;
        match kind {
            0..40 => self.check(choice, hot),
            40..70 => self.check(choice, new),
            70..78 => self.handle(choice),
            78..84 => self.many(choice),
            84..92 => self.joint(choice),
            92..96 => self.spare(choice),
            _ => unless_unavailable(self.limiter(which)?.peek(hot.bytes())),
        }
    }

    fn check(&self, choice: &Choice, key: Key) -> Result<Vec<Taken>> {
        let Choice { which, cost, .. } = *choice;
        let limiter = self.limiter(which)?;
        let decision =
            if cost == 1 { limiter.check(key.bytes()) } else { limiter.check_n(key.bytes(), cost) };
        let taken = self.was_taken(&decision.map_err(Error::other)?);
        Ok(if taken { vec![Taken { which, key, cost }] } else { Vec::new() })
    }

    fn handle(&self, choice: &Choice) -> Result<Vec<Taken>> {
        let Choice { which, cost, hot: key, .. } = *choice;
        let handle = self.limiter(which)?.key(key.bytes()).map_err(Error::other)?;
        let taken = self.was_taken(&handle.check_n(cost).map_err(Error::other)?);
        Ok(if taken { vec![Taken { which, key, cost }] } else { Vec::new() })
    }

    fn many(&self, choice: &Choice) -> Result<Vec<Taken>> {
        let which = choice.which;
        let news = (0..NEW - 1).map(|n| Key(choice.new.0 / NEW * NEW + n));
        let keys: Vec<_> = std::iter::once(choice.hot).chain(news).take(MOST_AT_ONCE).collect();
        let bytes: Vec<_> = keys.iter().map(|key| key.bytes()).collect();
        let decisions = self.limiter(which)?.check_many(&bytes, 1).map_err(Error::other)?;
        let taken = keys.into_iter().zip(&decisions).filter(|(_, decision)| self.was_taken(decision));
        Ok(taken.map(|(key, _)| Taken { which, key, cost: 1 }).collect())
    }

    /// One unit each of keys of several segments, all or nothing.
    fn joint(&self, choice: &Choice) -> Result<Vec<Taken>> {
        let parts = 2 + (choice.n as usize / 7) % (self.limiters.len() - 1);
        let key = choice.hot.bytes();
        let joint: Vec<_> = self.limiters.iter().take(parts).map(|of| Joint::new(of, &key, 1)).collect();
        let decision = check_all(&joint).map_err(Error::other)?;
        let taken =
            decision.allowed() && decision.decisions().iter().all(|decision| self.was_taken(decision));
        let all = (0..parts).map(|which| Taken { which, key: choice.hot, cost: 1 });
        Ok(if taken { all.collect() } else { Vec::new() })
    }

    /// What is taken from a key of which somebody gives back what another took proves nothing.
    fn spare(&self, choice: &Choice) -> Result<Vec<Taken>> {
        let (limiter, key, cost) = (self.limiter(choice.which)?, Key::SPARE.bytes(), choice.cost);
        match choice.n / HOT % 4 {
            0 => unless_unavailable(limiter.reset(key)),
            1 => unless_unavailable(limiter.refund(key, cost)),
            _ => unless_unavailable(limiter.check_n(key, cost)),
        }
    }
}

/// That a key cannot be had is part of the game.
fn unless_unavailable<T>(result: tidegate::Result<T>) -> Result<Vec<Taken>> {
    match result {
        Ok(_) | Err(tidegate::Error::Unavailable(_)) => Ok(Vec::new()),
        Err(error) => Err(Error::other(error)),
    }
}
