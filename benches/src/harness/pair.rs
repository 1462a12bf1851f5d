//! Two threads on the same keys at the same moment, each on a core of its own.
//!
//! They start each chunk together: the second spins for the first to open the gate. The first is
//! the calling thread, which takes the chunk back (`undo`) once both are through.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use super::Batch;
use crate::Result;
use crate::contender::{Contender, Worker};
use crate::keys::{Chunk, Questions};

#[derive(Default)]
struct Gate {
    /// Chunks that may be asked about; the second thread waits for the next.
    opened: AtomicU64,
    /// Chunks that the second thread is through with.
    finished: AtomicU64,
    closed: AtomicBool,
    /// Of the second thread's last chunk.
    nanos: AtomicU64,
    allowed: AtomicU64,
}

/// Whoever leaves, in whatever way, lets the other go too.
struct Closing<'a>(&'a Gate);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.closed.store(true, SeqCst);
    }
}

pub(super) fn time(
    contender: &mut Contender,
    questions: &Questions,
    round: usize,
    least: Duration,
) -> Result<Batch> {
    let Contender { workers, undo, .. } = contender;
    let [first, second] = workers.as_mut_slice() else { return Err("a pair has two workers".into()) };
    let gate = Gate::default();
    Ok(thread::scope(|scope| {
        scope.spawn(|| follow(&gate, second, questions, round));
        let (_pinned, _closing) = (Pinned::to_core(0), Closing(&gate));
        lead(&gate, first, undo, questions, round, least)
    }))
}

fn lead(
    gate: &Gate,
    worker: &mut Worker,
    undo: &mut dyn FnMut(Chunk<'_>),
    questions: &Questions,
    round: usize,
    least: Duration,
) -> Batch {
    let mut sum = Batch::default();
    for turn in 1.. {
        let chunk = questions.chunk(round + turn as usize);
        gate.opened.store(turn, SeqCst);
        let (allowed, nanos) = ask(worker, chunk);
        spin_until(|| gate.finished.load(SeqCst) == turn || gate.closed.load(SeqCst));
        sum.add(Batch {
            checks: 2 * chunk.keys.len() as u64,
            allowed: allowed + gate.allowed.load(SeqCst),
            time: Duration::from_nanos(nanos + gate.nanos.load(SeqCst)),
        });
        undo(chunk);
        // Twice the time, since two threads' times are summed.
        if sum.time >= 2 * least || gate.closed.load(SeqCst) {
            break;
        }
    }
    sum
}

fn follow(gate: &Gate, worker: &mut Worker, questions: &Questions, round: usize) {
    let (_pinned, _closing) = (Pinned::to_core(1), Closing(gate));
    for turn in 1.. {
        spin_until(|| gate.opened.load(SeqCst) >= turn || gate.closed.load(SeqCst));
        if gate.closed.load(SeqCst) {
            break;
        }
        let (allowed, nanos) = ask(worker, questions.chunk(round + turn as usize));
        gate.allowed.store(allowed, SeqCst);
        gate.nanos.store(nanos, SeqCst);
        gate.finished.store(turn, SeqCst);
    }
}

fn ask(worker: &mut Worker, chunk: Chunk<'_>) -> (u64, u64) {
    let start = Instant::now();
    let allowed = worker(chunk);
    (allowed, start.elapsed().as_nanos() as u64)
}

/// Yields after a while, so that a machine of one core, or a busy one, gets through as well.
fn spin_until(done: impl Fn() -> bool) {
    for spins in 0_u64.. {
        if done() {
            break;
        }
        if spins < 10_000 { std::hint::spin_loop() } else { thread::yield_now() }
    }
}

/// Keeps the calling thread on one core until dropped, where the system lets it.
struct Pinned {
    #[cfg(target_os = "linux")]
    before: Option<rustix::thread::CpuSet>,
}

impl Pinned {
    #[cfg(target_os = "linux")]
    fn to_core(nth: usize) -> Self {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let before = sched_getaffinity(None).ok();
        let allowed = |set: &CpuSet| (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).nth(nth);
        if let Some(cpu) = before.as_ref().and_then(allowed) {
            let mut one = CpuSet::new();
            one.set(cpu);
            let _ = sched_setaffinity(None, &one);
        }
        Self { before }
    }

    #[cfg(not(target_os = "linux"))]
    fn to_core(_nth: usize) -> Self {
        Self {}
    }
}

/// Keeps the calling thread on one core for good.
pub(super) fn pin_to_core(nth: usize) {
    std::mem::forget(Pinned::to_core(nth));
}

impl Drop for Pinned {
    fn drop(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(before) = &self.before {
            let _ = rustix::thread::sched_setaffinity(None, before);
        }
    }
}
