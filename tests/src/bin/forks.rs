//! Processes that fork with an open segment, each scenario in a process of its own: a test runner
//! has threads of its own and must not be forked. `tests/tests/forks.rs` runs them.

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("share") => linux::share(),
        Some("family") => linux::family(),
        Some("threads") => linux::threads(),
        Some("orphan") => linux::orphan(),
        Some("apart") => linux::apart(),
        other => Err(std::io::Error::other(format!("no scenario {other:?}"))),
    };
    done.map_or_else(
        |error| {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        },
        |()| std::process::ExitCode::SUCCESS,
    )
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeSet;
    use std::io::{Error, Result};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, Signal, WaitOptions, getppid, kill_process, waitpid};
    use tidegate::{Limiter, SegmentView};
    use tidegate_tests::kills::held::Bytes;
    use tidegate_tests::kills::scene::folder;

    /// Runs `child` in a forked process, which ends with it: well if it is well.
    #[allow(unsafe_code)]
    fn fork(child: impl FnOnce() -> Result<()>) -> Result<Pid> {
        // SAFETY: the child runs on in this thread alone; what it calls needs no lock that another
        // thread may have held, but for the allocator's, which the C library makes anew.
        let pid = unsafe { libc::fork() };
        match pid {
            0 => {
                // SAFETY: a signal to this process, should it hang.
                unsafe { libc::alarm(60) };
                let done = child();
                if let Err(error) = &done {
                    eprintln!("child {}: {error}", std::process::id());
                }
                // SAFETY: ends the process without running what belongs to its parent.
                unsafe { libc::_exit(i32::from(done.is_err())) }
            }
            _ => Pid::from_raw(pid).filter(|_| pid > 0).ok_or_else(Error::last_os_error),
        }
    }

    fn wait(child: Pid) -> Result<()> {
        let status = waitpid(Some(child), WaitOptions::empty())?;
        let well = status.is_some_and(|(_, status)| status.exit_status() == Some(0));
        claim(well, || format!("child {child:?} ended with {status:?}"))
    }

    fn claim(holds: bool, otherwise: impl Fn() -> String) -> Result<()> {
        if holds { Ok(()) } else { Err(Error::other(otherwise())) }
    }

    fn made<T>(built: tidegate::Result<T>) -> Result<T> {
        built.map_err(Error::other)
    }

    /// Children of one parent share its quota, and so do theirs.
    pub(crate) fn share() -> Result<()> {
        let limiter = made(Limiter::builder("1000/hour").max_keys(50).anonymous_segment().build())?;
        let take = |limiter: &Limiter, count: u32| {
            (0..count).try_for_each(|_| {
                claim(made(limiter.check("key"))?.allowed(), || "denied within the quota".into())
            })
        };
        let child = || {
            fork(|| {
                take(&limiter, 100)?;
                wait(fork(|| take(&limiter, 50))?)
            })
        };
        let children = (0..4).map(|_| child()).collect::<Result<Vec<_>>>()?;
        take(&limiter, 400)?;
        children.into_iter().try_for_each(wait)?;
        claim(!made(limiter.check("key"))?.allowed(), || "1001 of 1000 were admitted".into())
    }

    fn seated(path: &PathBuf) -> Result<BTreeSet<u32>> {
        let view = made(SegmentView::open(path))?;
        Ok(view.snapshot(0).processes.iter().map(|process| process.pid).collect())
    }

    /// A parent, its child and its grandchild each have a seat, and give it back when they end.
    pub(crate) fn family() -> Result<()> {
        let place = folder()?;
        let path = place.path().join("quota");
        let limiter = made(Limiter::builder("10/hour").max_keys(50).segment(&path).build())?;
        let parent = std::process::id();
        let child = fork(|| {
            let child = std::process::id();
            wait(fork(|| {
                made(limiter.check("key"))?;
                let (found, wanted) = (seated(&path)?, BTreeSet::from([parent, child, std::process::id()]));
                claim(found == wanted, || format!("{found:?} sit there instead of {wanted:?}"))
            })?)?;
            made(limiter.check("key"))?;
            let (found, wanted) = (seated(&path)?, BTreeSet::from([parent, child]));
            claim(found == wanted, || format!("{found:?} sit there instead of {wanted:?}"))
        })?;
        wait(child)?;
        let (found, left) = (seated(&path)?, made(limiter.check("key"))?.remaining());
        claim(found == BTreeSet::from([parent]), || format!("{found:?} sit there still"))?;
        claim(left == 7, || format!("{left} of 10 are left after three"))
    }

    /// A process whose threads are in the midst of calls forks: the children can call at once.
    pub(crate) fn threads() -> Result<()> {
        let place = folder()?;
        let path = place.path().join("quota");
        let limiter = made(Limiter::builder("1000000/second").max_keys(50).segment(&path).build())?;
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        let _ = limiter.check_n("key", 100);
                    }
                });
            }
            let forked = (0..50).try_for_each(|_| {
                wait(fork(|| {
                    let (start, decision) = (Instant::now(), made(limiter.check("key"))?);
                    let took = start.elapsed();
                    // The threads of the parent go on, so the key can be had.
                    claim(decision.tracked() && took < Duration::from_secs(5), || format!("{took:?}"))
                })?)
            });
            over.store(true, Ordering::Relaxed);
            forked
        })
    }

    /// The same with a table of the process alone: a child counts in a copy, in which its parent's
    /// threads hold locks and stand in queues that they will never leave.
    pub(crate) fn apart() -> Result<()> {
        const CHILDREN: u32 = 200;
        const LOOK: Duration = Duration::from_millis(20);
        let busy = made(Limiter::new("1000000/second"))?;
        let spent = made(Limiter::new("1/hour"))?;
        let over = AtomicBool::new(false);
        made(spent.check("key"))?;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                spent.acquire_unless("key", 1, Duration::MAX, LOOK, || over.load(Ordering::Relaxed))
            });
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // Most of the time the entry is locked, and many events are written.
                    let _ = busy.check_n("key", 50_000);
                    let _ = busy.reset("key");
                }
            });
            let forked = (0..CHILDREN).try_for_each(|_| {
                wait(fork(|| {
                    made(busy.check("key"))?;
                    made(spent.reset("key"))?;
                    let admitted = made(spent.acquire("key", 1, Duration::from_secs(10)))?.allowed();
                    claim(admitted, || "a child queued behind its parent's threads".into())
                })?)
            });
            over.store(true, Ordering::Relaxed);
            forked
        })
    }

    /// A parent is killed while it holds the key's lock: its child, which has inherited all of its
    /// descriptors, sees that it has ended and takes the lock over.
    pub(crate) fn orphan() -> Result<()> {
        const WANTED: u32 = 3;
        const TRIES: u32 = 500;
        let place = folder()?;
        let mut taken_over = 0;
        for number in 0..TRIES {
            let told = place.path().join(format!("told-{number}"));
            let parent = fork(|| parent_of_an_orphan(&told))?;
            // It does not end well: its child kills it.
            waitpid(Some(parent), WaitOptions::empty())?;
            let verdict = read_when_there(&told)?;
            claim(verdict != "stuck", || "the child could not have the key of its dead parent".into())?;
            taken_over += u32::from(verdict == "taken over");
            if taken_over == WANTED {
                return Ok(());
            }
        }
        Err(Error::other(format!("in {TRIES} tries {taken_over} parents died with the lock")))
    }

    fn parent_of_an_orphan(told: &PathBuf) -> Result<()> {
        let limiter = made(Limiter::builder("1000000/second").max_keys(50).anonymous_segment().build())?;
        let pid = std::process::id();
        made(limiter.check("key"))?;
        fork(|| orphaned(&limiter, pid, told))?;
        loop {
            // Writing this many events takes most of the time.
            made(limiter.check_n("key", 50_000))?;
        }
    }

    fn orphaned(limiter: &Limiter, parent: u32, told: &PathBuf) -> Result<()> {
        std::thread::sleep(Duration::from_micros(3_000 + u64::from(parent) * 37 % 2_000));
        let killed = getppid().ok_or_else(|| Error::other("the parent is gone already"))?;
        kill_process(killed, Signal::KILL)?;
        while getppid() == Some(killed) {
            std::thread::sleep(Duration::from_micros(200));
        }
        let held = memory_file()?.held_by(parent)?;
        let (start, decision) = (Instant::now(), made(limiter.check("key"))?);
        let in_time = decision.tracked() && start.elapsed() < Duration::from_secs(2);
        let verdict = match (in_time, held) {
            (false, _) => "stuck",
            (true, 0) => "free",
            (true, _) => "taken over",
        };
        let new = told.with_extension("new");
        std::fs::write(&new, verdict)?;
        std::fs::rename(new, told)
    }

    /// The bytes of the segment without a name that this process has open.
    fn memory_file() -> Result<Bytes> {
        let open = std::fs::read_dir("/proc/self/fd")?.filter_map(|entry| Some(entry.ok()?.path()));
        let is_segment = |path: &PathBuf| {
            let target = std::fs::read_link(path).unwrap_or_default();
            target.to_string_lossy().starts_with("/memfd:tidegate")
        };
        let mut files = open.filter(is_segment);
        Bytes::open(&files.next().ok_or_else(|| Error::other("no segment is open"))?)
    }

    fn read_when_there(path: &PathBuf) -> Result<String> {
        let start = Instant::now();
        while !path.exists() {
            claim(start.elapsed() < Duration::from_secs(20), || "the orphan says nothing".into())?;
            std::thread::sleep(Duration::from_millis(1));
        }
        std::fs::read_to_string(path)
    }
}
