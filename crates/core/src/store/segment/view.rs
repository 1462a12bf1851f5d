//! A look into a segment, for people: it takes no part, writes nothing, and needs no policy.

use std::fmt;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use memmap2::MmapOptions;
use rustix::fs::OFlags;

use super::boot::Times;
use super::hash::Hash;
use super::header::{ClockKind, Header};
use super::seats::{self, Others};
use crate::clock::{Clock, ManualClock};
use crate::decision::{Decision, Plan};
use crate::error::{Error, Result};
use crate::policy::Policy;
use crate::table::{Same, Table};
use crate::time::{MAX_NANOS, Nanos};

/// A segment that is looked at. See [`Limiter::builder`](crate::Limiter::builder) for taking part.
///
/// ```
/// # #[cfg(target_os = "linux")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("quota");
/// use tidegate::{Limiter, SegmentView};
///
/// let limiter = Limiter::builder("100/minute").segment(&path).build()?;
/// limiter.check_n("alice", 40)?;
///
/// let view = SegmentView::open(&path)?;
/// assert_eq!(view.policy().to_string(), "100/minute");
/// let snapshot = view.snapshot(10);
/// assert_eq!((snapshot.processes.len(), snapshot.keys), (1, 1));
/// assert_eq!(snapshot.top[0].fingerprint, view.fingerprint("alice"));
/// assert_eq!(snapshot.top[0].decision.remaining(), 60);
/// # Ok(())
/// # }
/// # #[cfg(not(target_os = "linux"))]
/// # fn main() {}
/// ```
pub struct SegmentView {
    plan: Plan,
    table: Table,
    hash: Hash,
    header: Header,
    /// What to add to the system's clock.
    epoch: u64,
    file: File,
}

/// A segment at one moment; borrowed from its [`SegmentView`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SegmentSnapshot<'a> {
    /// The processes that take part.
    pub processes: Vec<SegmentProcess>,
    /// Keys that have an entry.
    pub keys: usize,
    /// Those of them that count something: the others are given up when a new key needs the place.
    pub live: usize,
    /// Entries that are being written to at this moment. One that stays so belongs to a process
    /// that was stopped or has ended.
    pub locked: usize,
    /// The keys that have used most of a limit, most first.
    pub top: Vec<SegmentKey<'a>>,
}

/// A process that takes part in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentProcess {
    /// Its number, as it knows it itself: in a container it may be another one outside.
    pub pid: u32,
}

/// What a segment counts for one key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SegmentKey<'a> {
    /// What stands for the key in the table: keys themselves are not kept.
    pub fingerprint: u64,
    /// What a check of one unit would be told.
    pub decision: Decision<'a>,
}

impl SegmentKey<'_> {
    /// The largest part of a limit that the key has used, from 0 to 1.
    #[must_use]
    pub fn used(&self) -> f64 {
        let used = self.decision.limits().map(|status| {
            let most = status.limit.capacity();
            most.saturating_sub(status.remaining) as f64 / most as f64
        });
        used.fold(0.0, f64::max)
    }
}

impl SegmentView {
    /// Looks at the segment at `path`.
    ///
    /// # Errors
    /// [`Error::Segment`] as for taking part, but for the policy and the capacity, which are the
    /// file's; and if there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::open_at(path).map_err(|error| error.in_segment(path))
    }

    fn open_at(path: &Path) -> Result<Self> {
        use super::SegmentFault;
        let missing = || SegmentFault::Io(std::io::ErrorKind::NotFound.into());
        let file = super::file::open(path, OFlags::RDONLY)?.ok_or_else(missing)?;
        let header = Header::decode(&super::read_head(&file)?, super::file_size(&file)?)?;
        let policy: Policy = header.policy.parse().map_err(|_: Error| SegmentFault::Damaged)?;
        let layout = super::layout_of(&header, &policy)?;
        let map = super::map(&file, &layout, MmapOptions::map_raw_read_only)?;
        let others = file.try_clone().and_then(Others::of).map_err(SegmentFault::Io)?;
        let table = super::table_over(map, layout, others)?;
        let times = Times::now().map_err(SegmentFault::Io)?;
        let is_this_boot = header.clock == ClockKind::Manual || header.boot == times.boot;
        let epoch = if is_this_boot { header.epoch } else { times.epoch(table.latest()) };
        let clock = match header.clock {
            ClockKind::Manual => Clock::Manual(ManualClock::new()),
            ClockKind::System => Clock::Precise,
        };
        let plan = Plan::new(policy, Duration::from_nanos(header.lag), clock.is_manual());
        Ok(Self { plan, table, hash: Hash::new(header.seed), header, epoch, file })
    }

    /// The policy that the segment counts for.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        self.plan.policy()
    }

    /// How many keys it has room for: at least as many as were asked for.
    #[must_use]
    pub fn max_keys(&self) -> usize {
        self.table.capacity()
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.header.created)
    }

    /// The version of its layout.
    #[must_use]
    pub fn layout_version(&self) -> u64 {
        super::header::VERSION
    }

    /// The length of the file, and how much of it takes up space, in bytes.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        use std::os::unix::fs::MetadataExt;
        let found = self.file.metadata();
        found.map_or((self.header.len, 0), |found| (found.len(), found.blocks().saturating_mul(512)))
    }

    /// Whether it counts by a manual clock, as tests do.
    #[must_use]
    pub fn is_manual(&self) -> bool {
        self.header.clock == ClockKind::Manual
    }

    /// What stands for `key` in the table.
    #[must_use]
    pub fn fingerprint(&self, key: impl AsRef<[u8]>) -> u64 {
        self.hash.of(key.as_ref()).max(1)
    }

    /// What a check of one unit for `key` would be told; `None` if the key counts nothing, or is
    /// being written to.
    #[must_use]
    pub fn key(&self, key: impl AsRef<[u8]>) -> Option<SegmentKey<'_>> {
        let fingerprint = self.fingerprint(key);
        let target = self.table.lookup(fingerprint)?;
        let verdict = self.table.glance(target, self.now(), Same(1))?;
        Some(SegmentKey { fingerprint, decision: Decision::new(&self.plan, true, verdict) })
    }

    /// Everything at this moment, with the `top` keys that have used most.
    #[must_use]
    pub fn snapshot(&self, top: usize) -> SegmentSnapshot<'_> {
        let (now, file) = (self.now(), self.file.as_raw_fd());
        let processes = seats::sitting(file).into_iter().map(|pid| SegmentProcess { pid }).collect();
        let mut found = SegmentSnapshot { processes, keys: 0, live: 0, locked: 0, top: Vec::new() };
        for target in self.table.targets() {
            found.keys += 1;
            let Some(verdict) = self.table.glance(target, now, Same(1)) else {
                found.locked += 1;
                continue;
            };
            let decision = Decision::new(&self.plan, true, verdict);
            let key = SegmentKey { fingerprint: target.tag, decision };
            if decision.limits().any(|status| !status.reset_after.is_zero()) {
                found.live += 1;
                found.top.push(key);
            }
        }
        found.top.sort_by(|one, other| other.used().total_cmp(&one.used()));
        found.top.truncate(top);
        found
    }

    /// The segment's time. By a manual clock that is the last admission's: the clock is elsewhere.
    fn now(&self) -> u64 {
        if self.is_manual() {
            return self.table.latest();
        }
        let now = Clock::Precise.now() + Duration::from_nanos(self.epoch);
        now.max(Nanos::ZERO).get().min(MAX_NANOS)
    }
}

impl fmt::Debug for SegmentView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SegmentView").field("header", &self.header).finish_non_exhaustive()
    }
}
