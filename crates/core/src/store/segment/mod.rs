//! A table in a file that any number of processes share, whatever their language: opened by path,
//! or without a name for processes that are forked from one parent.
//!
//! ```text
//! ┌──────────────┬─────────────────────┬───┬──────────────────────────────────────┐
//! │ header: 4096 │ seats: 8 bytes each │   │ the table's region, from byte 65,536 │
//! └──────────────┴─────────────────────┴───┴──────────────────────────────────────┘
//! ```
//!
//! The file is the one thing here that is trusted with nothing: whatever its bytes are, a check goes
//! on or says what is wrong.

mod boot;
mod file;
mod hash;
mod header;
mod part;
mod seats;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use hash::Hash;
pub use view::{SegmentKey, SegmentProcess, SegmentSnapshot, SegmentView};

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::OFlags;

use crate::clock::Clock;
use crate::error::{Result, SegmentFault};
use crate::policy::Policy;
use crate::table::{Layout, Owners, Region, Table};
use crate::time::duration_nanos;
use boot::Times;
use header::{ClockKind, Header};
use seats::{Others, SEATS};

/// Where the table begins: a multiple of every page size.
const REGION: u64 = 65_536;
const _: () = assert!(seats::END as u64 <= REGION);

/// What a segment is to be used for.
pub(crate) struct Wanted<'a> {
    pub(crate) policy: &'a Policy,
    /// If not given, as many as the file has room for.
    pub(crate) max_keys: Option<usize>,
    /// How many a new file has room for.
    pub(crate) default_max_keys: usize,
    /// If not given, the file's.
    pub(crate) clock: Option<Clock>,
    /// The clock that a new file counts by.
    pub(crate) default_clock: Clock,
}

/// A table in a segment, and what belongs to it.
pub(crate) struct Segment {
    pub(crate) table: Table,
    pub(crate) hash: Hash,
    pub(crate) clock: Clock,
    /// The lag that the table counts with: at least the clock's.
    pub(crate) lag: Duration,
    /// What to add to the clock's readings, in nanoseconds.
    pub(crate) epoch: u64,
}

/// Opens the segment at `path`, or makes it.
pub(crate) fn open(path: &Path, wanted: &Wanted<'_>) -> Result<Segment> {
    open_at(path, wanted, times()?).map_err(|error| error.in_segment(path))
}

/// A segment without a name, for this process and those that are forked from it.
pub(crate) fn anonymous(wanted: &Wanted<'_>) -> Result<Segment> {
    let times = times()?;
    let header = new_header(wanted, times)?;
    attach(file::anonymous(&header.encode()?, header.len)?, wanted, times)
}

fn times() -> Result<Times, SegmentFault> {
    Ok(Times::now()?)
}

fn open_at(path: &Path, wanted: &Wanted<'_>, times: Times) -> Result<Segment> {
    // Of several that make it at once one is first; the others find it. It may also be removed
    // in between, but not for ever.
    const TRIES: u32 = 100;
    for _ in 0..TRIES {
        if let Some(file) = file::open(path, OFlags::RDWR)? {
            return attach(file, wanted, times);
        }
        let header = new_header(wanted, times)?;
        file::create(path, &header.encode()?, header.len)?;
    }
    Err(SegmentFault::Io(std::io::ErrorKind::ResourceBusy.into()).into())
}

/// The header of a new segment.
fn new_header(wanted: &Wanted<'_>, times: Times) -> Result<Header> {
    let clock = wanted.clock.as_ref().unwrap_or(&wanted.default_clock);
    let max_keys = wanted.max_keys.unwrap_or(wanted.default_max_keys);
    let (words, events) = Layout::new(wanted.policy, max_keys, clock.lag())?.size();
    let kind = kind_of(clock);
    Ok(Header {
        len: file_len(words, events).ok_or(SegmentFault::Io(std::io::ErrorKind::FileTooLarge.into()))?,
        max_keys: max_keys as u64,
        seed: RandomState::new().hash_one("tidegate"),
        clock: kind,
        lag: duration_nanos(clock.lag()),
        epoch: if kind == ClockKind::Manual { 0 } else { times.epoch(0) },
        boot: times.boot,
        created: times.unix,
        size: (words as u64, events as u64),
        policy: wanted.policy.to_string(),
    })
}

fn file_len(words: usize, events: usize) -> Option<u64> {
    Region::bytes(words, events)?.checked_add(REGION)
}

fn kind_of(clock: &Clock) -> ClockKind {
    if clock.is_manual() { ClockKind::Manual } else { ClockKind::System }
}

/// Takes part in the segment of an open file.
fn attach(file: File, wanted: &Wanted<'_>, times: Times) -> Result<Segment> {
    let mut header = Header::decode(&read_head(&file)?, file_size(&file)?)?;
    let clock = suits(&header, wanted)?;
    let layout = layout_of(&header, wanted.policy)?;
    let (seat, mapped) = (file::reopen(&file)?, file.as_raw_fd());
    let others = Others::of(file).map_err(SegmentFault::Io)?;
    let part = others.part;
    let map = map(&others.file, &layout, MmapOptions::map_raw)?;
    let table = table_over(map, layout, others)?;
    let taken = seats::take(seat.as_raw_fd(), true).ok_or(SegmentFault::Crowded { most: SEATS })?;
    if header.clock == ClockKind::System && header.boot != times.boot {
        header = go_on_after_boot(&table, &seat, times)?;
    }
    // From here on this process may write.
    part.sit(mapped, seat.into(), taken.owner);
    if taken.is_first_again {
        table.release(|owner| seats::is_same(owner, taken.owner));
    }
    let (lag, hash) = (Duration::from_nanos(header.lag), Hash::new(header.seed));
    Ok(Segment { table, hash, clock, lag, epoch: header.epoch })
}

fn file_size(file: &File) -> Result<u64, SegmentFault> {
    Ok(file.metadata()?.len())
}

/// The bytes of the header, or as many as there are.
fn read_head(file: &File) -> Result<Vec<u8>, SegmentFault> {
    let (mut head, mut read) = (vec![0; header::LEN], 0);
    while let Some(rest) = head.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    head.truncate(read);
    Ok(head)
}

/// The clock to count by, if the segment suits what is wanted.
fn suits(header: &Header, wanted: &Wanted<'_>) -> Result<Clock, SegmentFault> {
    let policy = wanted.policy.to_string();
    if header.policy != policy {
        return Err(SegmentFault::Policy { found: header.policy.clone(), wanted: policy });
    }
    if let Some(max_keys) = wanted.max_keys.map(|keys| keys as u64).filter(|&keys| keys != header.max_keys) {
        return Err(SegmentFault::Capacity { found: header.max_keys, wanted: max_keys });
    }
    let kind = wanted.clock.as_ref().map_or(ClockKind::System, kind_of);
    if kind != header.clock {
        return Err(SegmentFault::Clock { found: header.clock.name(), wanted: kind.name() });
    }
    // A clock that lags more than the table counts with would admit early.
    let suits = |clock: &Clock| duration_nanos(clock.lag()) <= header.lag;
    match &wanted.clock {
        Some(clock) if suits(clock) => Ok(clock.clone()),
        Some(_) => Err(SegmentFault::Clock { found: "precise", wanted: "coarse" }),
        None if suits(&Clock::Coarse) => Ok(Clock::Coarse),
        None => Ok(Clock::Precise),
    }
}

/// The layout that the header names, if it is the one that this library makes of it.
fn layout_of(header: &Header, policy: &Policy) -> Result<Layout> {
    let max_keys = usize::try_from(header.max_keys).map_err(|_| SegmentFault::Damaged)?;
    let layout = Layout::new(policy, max_keys, Duration::from_nanos(header.lag))?;
    let (words, events) = layout.size();
    let is_same = header.size == (words as u64, events as u64) && file_len(words, events) == Some(header.len);
    if is_same { Ok(layout) } else { Err(SegmentFault::Damaged.into()) }
}

/// The mapping of the table's region.
fn map(
    file: &File,
    layout: &Layout,
    map: impl Fn(&MmapOptions, RawFd) -> std::io::Result<MmapRaw>,
) -> Result<MmapRaw, SegmentFault> {
    let (words, events) = layout.size();
    let bytes = Region::bytes(words, events).and_then(|bytes| usize::try_from(bytes).ok());
    let bytes = bytes.ok_or(SegmentFault::Damaged)?;
    Ok(map(MmapOptions::new().offset(REGION).len(bytes), file.as_raw_fd())?)
}

fn table_over(map: MmapRaw, layout: Layout, others: Others) -> Result<Table> {
    let (words, events) = layout.size();
    super::process::ask_for_huge_pages(&map, words * 8);
    let part = others.part;
    part.guard(map.as_ptr() as usize, map.len());
    let region = Region::new(map, words, events).ok_or(SegmentFault::Damaged)?;
    Ok(Table::new(layout, region, Owners::shared(part.me(), Box::new(others))))
}

/// Brings the segment's time over a boot of the machine, unless another process has by now.
fn go_on_after_boot(table: &Table, file: &File, times: Times) -> Result<Header> {
    seats::take_gate(file.as_raw_fd()).map_err(SegmentFault::Io)?;
    let passed = pass_gate(table, file, times);
    seats::leave_gate(file.as_raw_fd());
    passed
}

fn pass_gate(table: &Table, file: &File, times: Times) -> Result<Header> {
    let header = Header::decode(&read_head(file)?, file_size(file)?)?;
    if header.boot == times.boot {
        return Ok(header);
    }
    let header = Header { epoch: times.epoch(table.latest()), boot: times.boot, ..header };
    file.write_all_at(&header.encode()?, 0).map_err(SegmentFault::Io)?;
    Ok(header)
}
