//! What a process finds that comes when all others are dead: every key can be had at once, and in
//! a while every quota is whole and every place in the table is free again.

use std::io::{Error, Result};
use std::time::Instant;

use tidegate::{Limiter, OnUnavailable, SegmentView};

use super::run::{Outcome, known_keys};
use super::scene::{self, Key, Scene, Which};
use super::verdict::most;

/// Looks, and writes down what is wrong.
///
/// # Errors
/// The segments cannot be opened.
pub(super) fn look(scene: &Scene, outcome: &mut Outcome) -> Result<()> {
    let limiters = scene.open(OnUnavailable::Deny).map_err(Error::other)?;
    for (which, limiter) in limiters.iter().enumerate() {
        known_keys().try_for_each(|key| at_once(which, limiter, key, outcome))?;
    }
    std::thread::sleep(scene::RECOVERED);
    for (which, limiter) in limiters.iter().enumerate() {
        known_keys().try_for_each(|key| whole(which, limiter, key, outcome))?;
        room(scene, which, limiter, outcome)?;
    }
    Ok(())
}

fn at_once(which: Which, limiter: &Limiter, key: Key, outcome: &mut Outcome) -> Result<()> {
    let start = Instant::now();
    let decision = limiter.check(key.bytes()).map_err(Error::other)?;
    outcome.longest_after = outcome.longest_after.max(start.elapsed());
    if !decision.tracked() {
        outcome.faults.push(format!("segment {which}: {key:?} cannot be had although all are dead"));
    }
    Ok(())
}

/// The whole quota is there, and can be taken.
fn whole(which: Which, limiter: &Limiter, key: Key, outcome: &mut Outcome) -> Result<()> {
    let peek = limiter.peek(key.bytes());
    let is_whole = peek.as_ref().is_ok_and(|peek| peek.limits().all(|s| s.remaining == s.limit.capacity()));
    let limits = scene::limits();
    let all = limits.get(which).map_or(1, |limits| most(limits));
    let taken = limiter.check_n(key.bytes(), all).map_err(Error::other)?;
    if !is_whole || !taken.allowed() || !taken.tracked() {
        outcome.faults.push(format!("segment {which}: {key:?} has lost quota: {peek:?}, then {taken:?}"));
    }
    Ok(())
}

/// As many new keys find a place as the table was made for, and nothing stays locked.
fn room(scene: &Scene, which: Which, limiter: &Limiter, outcome: &mut Outcome) -> Result<()> {
    let new = (0..scene::MAX_KEYS - known_keys().count()).map(|n| Key(u64::MAX / 2 + n as u64));
    let mut lacking = 0;
    for key in new {
        let decision = limiter.check(key.bytes()).map_err(Error::other)?;
        lacking += u64::from(!decision.tracked());
    }
    let locked = SegmentView::open(scene.segment(which)).map_err(Error::other)?.snapshot(0).locked;
    if lacking > 0 || locked > 0 {
        let found = format!("segment {which}: {lacking} new keys find no place, {locked} entries are locked");
        outcome.faults.push(found);
    }
    Ok(())
}
