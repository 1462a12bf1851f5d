//! A look at a segment, as plain values that outlive it.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tidegate::{Decision, Error, Nanos, Policy, SegmentFault, SegmentKey, SegmentView};

use crate::failure::{Failure, Result};
use crate::text::printable;

/// A segment at one moment.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) path: PathBuf,
    pub(super) policy: Policy,
    pub(super) layout_version: u64,
    /// When it was made, in Unix time.
    pub(super) created: Nanos,
    /// Whether it counts by a manual clock, as tests do.
    pub(super) is_manual: bool,
    pub(super) max_keys: u64,
    /// Bytes of the file, and how many of them take up space.
    pub(super) size: (u64, u64),
    /// The processes that take part.
    pub(super) pids: Vec<u32>,
    /// Keys that have an entry, those that count something, and those being written to.
    pub(super) keys: u64,
    pub(super) live: u64,
    pub(super) locked: u64,
    /// The keys that were asked for by name, in order.
    pub(super) asked: Vec<Key>,
    /// The keys that have used most, most first.
    pub(super) top: Vec<Key>,
}

/// What is known of a key.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) fingerprint: u64,
    /// Known of those alone that were asked for.
    pub(super) name: Option<String>,
    /// The largest part of a limit that it has used; 0 if it counts nothing.
    pub(super) used: f64,
    /// In the policy's order.
    pub(super) limits: Vec<Limit>,
}

/// What a key has used of one limit.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) name: String,
    /// The most that can remain.
    pub(super) capacity: u64,
    pub(super) remaining: u64,
    /// Until it has its full quota again.
    pub(super) reset: Duration,
}

impl Limit {
    pub(super) fn used(&self) -> u64 {
        self.capacity.saturating_sub(self.remaining)
    }
}

impl Look {
    /// Looks at the segment in a file: at the keys of these names, and at the `top` ones.
    ///
    /// # Errors
    /// There is none, or it is something else.
    pub(super) fn at(path: &Path, names: &[String], top: usize) -> Result<Self> {
        let view = SegmentView::open(path).map_err(|error| cannot_open(path, error))?;
        let named: Vec<_> = names.iter().map(|name| (view.fingerprint(name), name.as_str())).collect();
        let snapshot = view.snapshot(top);
        Ok(Self {
            path: path.to_owned(),
            policy: view.policy().clone(),
            layout_version: view.layout_version(),
            created: created(&view),
            is_manual: view.is_manual(),
            max_keys: view.max_keys() as u64,
            size: view.size(),
            pids: snapshot.processes.iter().map(|process| process.pid).collect(),
            keys: snapshot.keys as u64,
            live: snapshot.live as u64,
            locked: snapshot.locked as u64,
            asked: names.iter().map(|name| asked(&view, name)).collect(),
            top: snapshot.top.iter().map(|key| labelled(key, &named)).collect(),
        })
    }

    /// The part of its places that live keys take, in percent.
    pub(super) fn occupancy(&self) -> f64 {
        100.0 * self.live as f64 / self.max_keys.max(1) as f64
    }
}

fn cannot_open(path: &Path, error: Error) -> Failure {
    match &error {
        Error::Segment { fault: SegmentFault::Io(cause), .. }
            if cause.kind() == std::io::ErrorKind::NotFound =>
        {
            Failure::new(format!("segment {}: there is no such file", path.display()))
        }
        _ => error.into(),
    }
}

fn created(view: &SegmentView) -> Nanos {
    let since = view.created().duration_since(UNIX_EPOCH).unwrap_or_default();
    Nanos::ZERO + since
}

/// A key by its name; one without an entry has all of its quota.
fn asked(view: &SegmentView, name: &str) -> Key {
    let full = |limit: &tidegate::Limit| Limit {
        name: limit.name().to_owned(),
        capacity: limit.capacity(),
        remaining: limit.capacity(),
        reset: Duration::ZERO,
    };
    let found = view.key(name);
    let limits =
        found.map_or_else(|| view.policy().limits().iter().map(full).collect(), |key| limits(&key.decision));
    let used = found.map_or(0.0, |key| key.used());
    Key { fingerprint: view.fingerprint(name), name: Some(printable(name.as_bytes())), used, limits }
}

fn labelled(key: &SegmentKey<'_>, named: &[(u64, &str)]) -> Key {
    let name = named.iter().find(|(fingerprint, _)| *fingerprint == key.fingerprint);
    let name = name.map(|(_, name)| printable(name.as_bytes()));
    Key { fingerprint: key.fingerprint, name, used: key.used(), limits: limits(&key.decision) }
}

fn limits(decision: &Decision<'_>) -> Vec<Limit> {
    let limits = decision.limits().map(|status| Limit {
        name: status.limit.name().to_owned(),
        capacity: status.limit.capacity(),
        remaining: status.remaining,
        reset: status.reset_after,
    });
    limits.collect()
}
