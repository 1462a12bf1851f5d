//! Who shares a segment: a table of seats in the file, one a process.
//!
//! A process holds the kernel's lock on the bytes of its seat for as long as it lives, so that
//! others can tell a process that has ended from one that was stopped, across containers too. The
//! lock belongs to an open file description: one that belongs to the process would vanish when any
//! descriptor of the file is closed.
//!
//! A seat's word counts how often it was taken. Its number and that count are the name under which
//! a process locks words of the table: whoever finds the name of somebody who sat there before
//! knows that they have ended.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;

use super::header;
use super::part::Part;
use crate::table::owners::{Members, Owner};

/// The most processes that share a segment.
pub(super) const SEATS: usize = (1 << SEAT_BITS) - 1;

const SEAT_BITS: u32 = 10;
const SEAT_MASK: u32 = (1 << SEAT_BITS) - 1;
const TURN_MASK: u32 = (1 << (Owner::BITS - SEAT_BITS)) - 1;

/// The byte that whoever brings a segment's time over a boot of the machine locks.
const GATE: i64 = 0;

/// Bytes of the header and the seats.
pub(super) const END: usize = header::LEN + SEATS * 8;

/// A seat that was taken.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    /// The name of the process that sits there.
    pub(super) owner: u32,
    /// Whether names begin again with this one: words locked by those who had them before must
    /// be found first.
    pub(super) is_first_again: bool,
}

fn place(seat: usize) -> i64 {
    (header::LEN + seat * 8) as i64
}

fn owner(seat: usize, turn: u32) -> u32 {
    (turn & TURN_MASK) << SEAT_BITS | (seat as u32 + 1)
}

/// Whether two names are of one seat.
pub(super) fn is_same(one: u32, other: u32) -> bool {
    (one ^ other) & SEAT_MASK == 0
}

/// Takes a free seat of the file; `None` if there is none or the system refuses. Where
/// `may_begin_again` is not given, seats whose names are used up are left alone. Makes only calls
/// that are safe in a child of a process with threads.
pub(super) fn take(file: RawFd, may_begin_again: bool) -> Option<Seat> {
    (0..SEATS).find_map(|seat| {
        if !lock(file, place(seat), libc::F_WRLCK) {
            return None;
        }
        let turn = read_word(file, seat).map(|word| word as u32 & TURN_MASK);
        let next = turn.map(|turn| turn.wrapping_add(1) & TURN_MASK);
        let next = next.filter(|&next| next != 0 || may_begin_again);
        if let Some(turn) = next
            && write_word(file, seat, u64::from(std::process::id()) << 32 | u64::from(turn))
        {
            return Some(Seat { owner: owner(seat, turn), is_first_again: turn == 0 });
        }
        lock(file, place(seat), libc::F_UNLCK);
        None
    })
}

/// The numbers of the processes that sit in the file, as seen through a description that holds no
/// seat.
pub(super) fn sitting(file: RawFd) -> Vec<u32> {
    let pid = |seat: usize| {
        let word = read_word(file, seat).filter(|&word| word != 0)?;
        is_locked(file, place(seat)).then_some((word >> 32) as u32)
    };
    (0..SEATS).filter_map(pid).collect()
}

/// Takes the gate of the file; whoever holds it does so for as long as a table takes to read.
pub(super) fn take_gate(file: RawFd) -> std::io::Result<()> {
    const TRIES: u32 = 2_000;
    for _ in 0..TRIES {
        if lock(file, GATE, libc::F_WRLCK) {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Err(std::io::ErrorKind::TimedOut.into())
}

pub(super) fn leave_gate(file: RawFd) {
    lock(file, GATE, libc::F_UNLCK);
}

/// The processes of a segment, as the table asks for them.
pub(super) struct Others {
    pub(super) part: &'static Part,
    /// What is mapped, and opened again by children.
    pub(super) file: File,
    /// Its device and inode.
    inode: (u64, u64),
}

impl Others {
    /// Those who have `file` open.
    pub(super) fn of(file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self { part: Part::new(), file, inode: (found.dev(), found.ino()) })
    }
}

impl Members for Others {
    fn has_ended(&self, name: u32) -> bool {
        let seat = (name & SEAT_MASK) as usize;
        let file = self.part.seat();
        if seat == 0 || file < 0 {
            return true;
        }
        // This process does not see its own locks.
        if name == self.part.me().load(std::sync::atomic::Ordering::Relaxed) {
            return false;
        }
        let taken = read_word(file, seat - 1).map(|word| owner(seat - 1, word as u32));
        taken != Some(name) || !is_locked(file, place(seat - 1))
    }

    fn table(&self) -> Option<(u64, u64)> {
        Some(self.inode)
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        self.part.close();
    }
}

/// One byte of the file for `fcntl`.
fn byte_range(place: i64, kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: place,
        l_len: 1,
        l_pid: 0,
    }
}

/// Locks or unlocks a byte; `false` if another holds it, or the system refuses.
fn lock(file: RawFd, place: i64, kind: libc::c_int) -> bool {
    let range = byte_range(place, kind);
    // SAFETY: `range` is a whole flock that outlives the call.
    unsafe { libc::fcntl(file, libc::F_OFD_SETLK, &raw const range) == 0 }
}

/// Whether another description holds the lock on a byte. Where the system does not say, it is taken
/// to: a holder that lives is never robbed.
fn is_locked(file: RawFd, place: i64) -> bool {
    let mut range = byte_range(place, libc::F_WRLCK);
    // SAFETY: `range` is a whole flock that outlives the call.
    let asked = unsafe { libc::fcntl(file, libc::F_OFD_GETLK, &raw mut range) };
    asked != 0 || range.l_type != libc::F_UNLCK as libc::c_short
}

fn read_word(file: RawFd, seat: usize) -> Option<u64> {
    let mut bytes = [0; 8];
    // SAFETY: there is room for 8 bytes.
    let read = unsafe { libc::pread(file, bytes.as_mut_ptr().cast(), bytes.len(), place(seat)) };
    (read == 8).then(|| u64::from_ne_bytes(bytes))
}

fn write_word(file: RawFd, seat: usize, word: u64) -> bool {
    let bytes = word.to_ne_bytes();
    // SAFETY: there are 8 bytes.
    let written = unsafe { libc::pwrite(file, bytes.as_ptr().cast(), bytes.len(), place(seat)) };
    written == 8
}
