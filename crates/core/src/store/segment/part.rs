//! What a process keeps of each segment that it has open, where a signal handler and a forked
//! child find it: in nodes that are never freed, only used again.
//!
//! * A child of `fork` has its parent's mappings, but is another process. It takes a seat of its
//!   own before it runs anything else.
//! * Touching a page of a file that was cut short, or that the disk has no room for, raises
//!   SIGBUS. For addresses of a segment the handler puts empty memory there, so that the access
//!   finds zeros, and takes the right to write away. Other faults go to whoever handled them before.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{IntoRawFd, OwnedFd, RawFd};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};

use super::seats;

/// One open segment of this process.
pub(super) struct Part {
    /// This process's name among the owners; 0 if it has none. Read by every admission.
    me: AtomicU32,
    /// The description that holds the kernel's lock on the seat; -1 if there is none. It is mapped
    /// nowhere: a mapping that a child inherits would keep it, and its lock, alive.
    seat: AtomicI32,
    /// The description that is mapped.
    file: AtomicI32,
    /// The mapping of the table.
    start: AtomicUsize,
    len: AtomicUsize,
    in_use: AtomicBool,
    next: AtomicPtr<Self>,
}

static PARTS: AtomicPtr<Part> = AtomicPtr::new(null_mut());

/// The parts of this process, in use or not.
fn parts() -> impl Iterator<Item = &'static Part> {
    let mut next = &PARTS;
    std::iter::from_fn(move || {
        // SAFETY: parts are leaked boxes that are never freed, published by the release in `add`.
        let part: &'static Part = unsafe { next.load(Ordering::Acquire).as_ref() }?;
        next = &part.next;
        Some(part)
    })
}

impl Part {
    /// A part for a segment that is about to be opened.
    pub(super) fn new() -> &'static Self {
        prepare_process();
        let claim = |part: &&Self| {
            part.in_use.compare_exchange(false, true, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        parts().find(claim).unwrap_or_else(Self::add)
    }

    fn add() -> &'static Self {
        let part = Box::leak(Box::new(Self {
            me: AtomicU32::new(0),
            seat: AtomicI32::new(-1),
            file: AtomicI32::new(-1),
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            in_use: AtomicBool::new(true),
            next: AtomicPtr::new(null_mut()),
        }));
        let mut head = PARTS.load(Ordering::Acquire);
        loop {
            part.next.store(head, Ordering::Relaxed);
            match PARTS.compare_exchange(head, part, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return part,
                Err(now) => head = now,
            }
        }
    }

    /// The name of this process, kept up to date through forks.
    pub(super) fn me(&'static self) -> &'static AtomicU32 {
        &self.me
    }

    /// The description with the lock on this process's seat.
    pub(super) fn seat(&self) -> RawFd {
        self.seat.load(Ordering::Acquire)
    }

    /// From here on faults in this stretch of memory are this segment's.
    pub(super) fn guard(&self, start: usize, len: usize) {
        self.start.store(start, Ordering::Release);
        self.len.store(len, Ordering::Release);
    }

    /// From here on a forked child takes a seat in `file`, and this process is `me`.
    pub(super) fn sit(&self, file: RawFd, seat: OwnedFd, me: u32) {
        self.file.store(file, Ordering::Release);
        self.seat.store(seat.into_raw_fd(), Ordering::Release);
        self.me.store(me, Ordering::Release);
    }

    /// Gives everything back: the lock on the seat too.
    pub(super) fn close(&self) {
        self.me.store(0, Ordering::Release);
        self.len.store(0, Ordering::Release);
        self.file.store(-1, Ordering::Release);
        close(self.seat.swap(-1, Ordering::AcqRel));
        self.in_use.store(false, Ordering::Release);
    }

    fn holds(&self, address: usize) -> bool {
        let (start, len) = (self.start.load(Ordering::Acquire), self.len.load(Ordering::Acquire));
        address.wrapping_sub(start) < len
    }

    /// Takes a seat for a child. Only calls that are safe after a fork of a process with threads.
    fn reseat(&self) {
        let inherited = self.seat();
        if inherited < 0 {
            return;
        }
        let file = self.file.load(Ordering::Acquire);
        let mut path = [0; 32];
        let own = reopen_path(file, &mut path).map_or(-1, open);
        let me = if own < 0 { None } else { seats::take(own, false) };
        self.me.store(me.map_or(0, |seat| seat.owner), Ordering::Release);
        // Above all the inherited description goes: its lock would make a dead parent look alive.
        if me.is_some() {
            // SAFETY: both are descriptors of this process; `inherited` belongs to this part.
            let moved = unsafe { libc::dup3(own, inherited, libc::O_CLOEXEC) };
            if moved < 0 {
                close(self.seat.swap(own, Ordering::AcqRel));
                return;
            }
        } else {
            close(self.seat.swap(-1, Ordering::AcqRel));
        }
        close(own);
    }

    /// Puts empty memory in the place of what was lost.
    fn lose(&self) -> bool {
        self.me.store(0, Ordering::SeqCst);
        let (start, len) = (self.start.load(Ordering::Acquire), self.len.load(Ordering::Acquire));
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED | libc::MAP_NORESERVE;
        let rights = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the stretch is this segment's own mapping for as long as its length is not 0, and
        // all access to it is atomic: other threads see the old bytes or zeros.
        unsafe { libc::mmap(start as *mut _, len, rights, flags, -1, 0) != libc::MAP_FAILED }
    }
}

/// `/proc/self/fd/N`, written without memory of its own.
fn reopen_path(file: RawFd, buffer: &mut [u8; 32]) -> Option<&CStr> {
    const FOLDER: &[u8] = b"/proc/self/fd/";
    let mut digits = [0u8; 10];
    let (mut rest, mut count) = (u32::try_from(file).ok()?, 0);
    loop {
        *digits.get_mut(count)? = b'0' + (rest % 10) as u8;
        (rest, count) = (rest / 10, count + 1);
        if rest == 0 {
            break;
        }
    }
    let text = FOLDER.iter().chain(digits.get(..count)?.iter().rev()).chain(&[0]);
    buffer.iter_mut().zip(text).for_each(|(to, &from)| *to = from);
    CStr::from_bytes_until_nul(buffer).ok()
}

fn open(path: &CStr) -> RawFd {
    // SAFETY: the path ends in NUL.
    unsafe { libc::open(path.as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) }
}

fn close(descriptor: RawFd) {
    if descriptor >= 0 {
        // SAFETY: the caller gives a descriptor up that is its own.
        unsafe { libc::close(descriptor) };
    }
}

/// Hears of forks and faults from now on.
fn prepare_process() {
    static PREPARED: Once = Once::new();
    PREPARED.call_once(|| {
        // SAFETY: the handler makes only calls that are safe in a child of a process with threads.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        handle_faults();
    });
}

extern "C" fn in_child() {
    parts().filter(|part| part.in_use.load(Ordering::Acquire)).for_each(Part::reseat);
}

/// What was done about SIGBUS before.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

fn handle_faults() {
    let mut before = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asks only; `before` is large enough, and plain data that zeros are valid for.
    let before = unsafe {
        libc::sigaction(libc::SIGBUS, std::ptr::null(), before.as_mut_ptr());
        before.assume_init()
    };
    let _ = BEFORE.set(before);
    // SAFETY: zeros are valid for a sigaction, and it is filled in before it is used.
    let mut ours = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    ours.sa_sigaction = on_fault as *const () as usize;
    // On the thread's own signal stack, where it has one: Go's threads insist on that.
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: `ours` is a whole sigaction whose handler does only what a handler may.
    unsafe { libc::sigaction(libc::SIGBUS, &ours, null_mut()) };
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO a valid `info`.
    let address = unsafe { (*info).si_addr() } as usize;
    // SAFETY: errno is this thread's own.
    let errno = unsafe { *libc::__errno_location() };
    let ours = parts().find(|part| part.holds(address));
    if !ours.is_some_and(Part::lose) {
        pass_on(signal, info, context);
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// Does what was done about the signal before.
fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let before = BEFORE
        .get()
        .filter(|before| before.sa_sigaction != libc::SIG_DFL && before.sa_sigaction != libc::SIG_IGN);
    let Some(before) = before else {
        // SAFETY: the default comes back, and the instruction that faulted meets it again.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
        return;
    };
    if before.sa_flags & libc::SA_SIGINFO != 0 {
        type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: with SA_SIGINFO the field is a handler of three arguments.
        let handler = unsafe { std::mem::transmute::<usize, Handler>(before.sa_sigaction) };
        handler(signal, info, context);
    } else {
        // SAFETY: without it the field is a handler of one argument.
        let handler =
            unsafe { std::mem::transmute::<usize, extern "C" fn(libc::c_int)>(before.sa_sigaction) };
        handler(signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_opened_again_by_its_number() {
        let mut buffer = [0; 32];
        for (number, path) in [(0, c"/proc/self/fd/0"), (1_234_567_890, c"/proc/self/fd/1234567890")] {
            assert_eq!(reopen_path(number, &mut buffer), Some(path));
        }
        assert_eq!(reopen_path(-1, &mut buffer), None);
    }
}
