#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::boot::Times;
use super::*;
use crate::limiter::OnUnavailable;
use crate::table::Same;
use crate::{Error, Limiter, LimiterBuilder, ManualClock, Nanos};

const POLICY: &str = "10/minute; 5/second token-bucket";
const SECOND: u64 = 1_000_000_000;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("quota")
    }

    fn builder(&self, policy: &str) -> LimiterBuilder {
        Limiter::builder(policy).max_keys(100).segment(self.path())
    }

    fn limiter(&self, clock: &ManualClock) -> Limiter {
        self.builder(POLICY).clock(clock.clone()).build().unwrap()
    }

    fn names(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn fault(built: crate::Result<Limiter>) -> SegmentFault {
    match built {
        Err(Error::Segment { path: Some(_), fault }) => fault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn two_limiters_on_one_file_share_one_quota() {
    let (place, clock) = (Place::new(), ManualClock::new());
    let (one, two) = (place.limiter(&clock), place.limiter(&clock));
    for n in 0..5 {
        let limiter = if n % 2 == 0 { &one } else { &two };
        assert!(limiter.check("alice").unwrap().allowed());
    }
    assert!(!one.check("alice").unwrap().allowed());
    assert!(!two.allow("alice").unwrap());
    assert_eq!(two.peek("bob").unwrap().remaining(), 10);
    two.refund("alice", 1).unwrap();
    assert!(one.allow("alice").unwrap());
    one.reset("alice").unwrap();
    assert_eq!(two.peek("alice").unwrap().remaining(), 10);
    assert_eq!(place.names(), ["quota"]);
}

#[test]
fn a_quota_outlives_its_processes() {
    let (place, clock) = (Place::new(), ManualClock::new());
    assert!(place.limiter(&clock).check_n("alice", 4).unwrap().allowed());
    let limiter = place.limiter(&clock);
    assert_eq!(limiter.peek("alice").unwrap().remaining(), 6);
    assert_eq!(limiter.peek("alice").unwrap().limits().nth(1).unwrap().remaining, 1);
}

#[test]
fn the_capacity_and_the_clock_are_the_files_unless_given() {
    let place = Place::new();
    let limiter = place.builder("1000/second").build().unwrap();
    let other = Limiter::builder("1000/second").segment(place.path()).build().unwrap();
    assert_eq!(other.max_keys(), limiter.max_keys());
    let more = Limiter::builder("1000/second").max_keys(101).segment(place.path()).build();
    assert!(matches!(fault(more), SegmentFault::Capacity { found: 100, wanted: 101 }));
    let manual = place.builder("1000/second").clock(ManualClock::new()).build();
    assert!(matches!(fault(manual), SegmentFault::Clock { .. }));
    let coarse = place.builder("1000/second").clock(Clock::Coarse).build();
    assert!(matches!(fault(coarse), SegmentFault::Clock { .. }));
}

#[test]
fn a_coarse_segment_may_be_read_by_a_precise_clock() {
    let place = Place::new();
    assert!(matches!(place.builder("500/day").build().unwrap().clock(), Clock::Coarse));
    let precise = place.builder("500/day").clock(Clock::Precise).build().unwrap();
    assert!(precise.allow("alice").unwrap());
    assert_eq!(place.builder("500/day").build().unwrap().peek("alice").unwrap().remaining(), 499);
}

#[test]
fn another_policy_is_refused() {
    let place = Place::new();
    let _limiter = place.builder("10/minute").build().unwrap();
    let SegmentFault::Policy { found, wanted } = fault(place.builder("11/minute").build()) else { panic!() };
    assert_eq!((found.as_str(), wanted.as_str()), ("10/minute", "11/minute"));
}

/// What is at the path stays as it is, and the error says what it is.
#[test]
fn other_things_at_the_path_are_refused_and_left_alone() {
    let place = Place::new();
    let refused = || fault(place.builder("10/minute").build());

    std::fs::write(place.path(), "").unwrap();
    chmod(&place.path(), 0o600);
    assert!(matches!(refused(), SegmentFault::NotASegment));
    std::fs::write(place.path(), "my thesis").unwrap();
    assert!(matches!(refused(), SegmentFault::NotASegment));
    assert_eq!(std::fs::read(place.path()).unwrap(), b"my thesis");
    chmod(&place.path(), 0o622);
    assert!(matches!(refused(), SegmentFault::Mode { mode: 0o622 }));

    let target = place.folder.path().join("target");
    std::fs::rename(place.path(), &target).unwrap();
    symlink(&target, place.path()).unwrap();
    assert!(matches!(refused(), SegmentFault::Symlink));
    std::fs::remove_file(place.path()).unwrap();

    std::fs::create_dir(place.path()).unwrap();
    assert!(matches!(refused(), SegmentFault::NotAFile));
    std::fs::remove_dir(place.path()).unwrap();

    let missing = Limiter::builder("10/minute").segment(place.path().join("none/quota")).build();
    assert!(
        matches!(fault(missing), SegmentFault::Io(error) if error.kind() == std::io::ErrorKind::NotFound)
    );
    let device = Limiter::builder("10/minute").segment("/dev/null").build();
    assert!(matches!(fault(device), SegmentFault::NotAFile));
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn damaged_and_cut_files_are_refused() {
    let place = Place::new();
    drop(place.builder("10/minute").build().unwrap());
    let whole = std::fs::read(place.path()).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(place.path(), bytes).unwrap();
        fault(place.builder("10/minute").build())
    };
    assert!(matches!(refused(&whole[..whole.len() - 1]), SegmentFault::Size { .. }));
    assert!(matches!(refused(&whole[..1000]), SegmentFault::Size { .. }));
    let mut longer = whole.clone();
    longer.push(0);
    assert!(matches!(refused(&longer), SegmentFault::Size { .. }));
    let mut damaged = whole.clone();
    damaged[300] ^= 1;
    assert!(matches!(refused(&damaged), SegmentFault::Damaged));
    std::fs::write(place.path(), &whole).unwrap();
    assert!(place.builder("10/minute").build().is_ok());
}

#[test]
fn a_table_that_does_not_fit_is_refused_before_anything_is_made() {
    let place = Place::new();
    let built = Limiter::builder("1000000/day").max_keys(1 << 30).segment(place.path()).build();
    let SegmentFault::NoSpace { free, needed } = fault(built) else { panic!("room for petabytes") };
    assert!(free < needed);
    assert!(place.names().is_empty());
}

#[test]
fn a_policy_too_long_for_the_header_is_refused() {
    let place = Place::new();
    let long = format!("{}: 10/minute", "n".repeat(5000));
    assert!(matches!(fault(place.builder(&long).build()), SegmentFault::LongPolicy { most: 3840, .. }));
    assert!(place.names().is_empty());
}

/// A file of an earlier boot: time goes on by the wall clock, and no quota is given back early.
#[test]
fn a_quota_survives_a_reboot() {
    let place = Place::new();
    let policy: Policy = "500/day".parse().unwrap();
    let wanted = Wanted {
        policy: &policy,
        max_keys: Some(10),
        default_max_keys: 10,
        clock: Some(Clock::Precise),
        default_clock: Clock::Precise,
    };
    let day = 86_400 * SECOND;
    let wall = 20_000 * day;
    let taken = |segment: &Segment, monotonic: u64, cost: u64| {
        let now = segment.epoch + monotonic;
        let target = segment.table.lookup(7).unwrap_or_else(|| match segment.table.admit(7, now) {
            crate::table::Admission::Placed { target, .. } => target,
            _ => panic!(),
        });
        segment.table.check(target, now, Same(cost)).is_ok_and(|verdict| verdict.violated == 0)
    };
    let boot =
        |boot, unix, monotonic| open_at(&place.path(), &wanted, Times { boot, unix, monotonic }).unwrap();

    let before = boot(1, wall, 50 * SECOND);
    assert!(taken(&before, 50 * SECOND, 400));
    drop(before);
    // Another boot, an hour later: 100 of the day are left.
    let after = boot(2, wall + 3600 * SECOND, SECOND);
    assert!(!taken(&after, SECOND, 101));
    assert!(taken(&after, SECOND, 100));
    // The same boot again, with the wall clock a year ahead: nothing changes.
    drop(after);
    let again = boot(2, wall + 365 * day, 2 * SECOND);
    assert!(!taken(&again, 2 * SECOND, 1));
    drop(again);
    // Another boot, with the wall clock back in 1970: nothing is given back, and time goes on.
    let back = boot(3, 0, SECOND);
    assert!(!taken(&back, SECOND, 1));
    assert!(!taken(&back, SECOND + day - 3601 * SECOND, 401));
    assert!(taken(&back, SECOND + day, 400));
    drop(back);
    // A day later by the wall clock all is free.
    let late = boot(4, wall + 9 * day, SECOND);
    assert!(taken(&late, SECOND, 500));
}

/// Somebody cuts the file short under a live limiter.
#[test]
fn a_file_cut_short_leaves_a_limiter_that_says_so() {
    for on_unavailable in [OnUnavailable::Deny, OnUnavailable::Allow] {
        let place = Place::new();
        let limiter = place.builder("10/minute").on_unavailable(on_unavailable).build().unwrap();
        assert!(limiter.allow("alice").unwrap());
        std::fs::OpenOptions::new().write(true).open(place.path()).unwrap().set_len(5000).unwrap();
        let allowed = on_unavailable == OnUnavailable::Allow;
        for _ in 0..20 {
            let decision = limiter.check("alice").unwrap();
            assert_eq!((decision.allowed(), decision.tracked()), (allowed, false));
            assert_eq!(limiter.allow("bob").unwrap(), allowed);
        }
        assert_eq!(limiter.counters().unavailable, 40);
        let joint = crate::check_all(&[crate::Joint::new(&limiter, "alice", 1)]).unwrap();
        assert_eq!(joint.allowed(), allowed);
        // Nothing is counted, so there is nothing to give back; that is no failure.
        limiter.refund("alice", 1).unwrap();
        limiter.peek("alice").unwrap();
    }
}

#[test]
fn a_joint_check_of_one_segment_opened_twice_is_refused() {
    let (place, clock) = (Place::new(), ManualClock::at(Nanos::from_secs(1000)));
    let (one, same) = (place.limiter(&clock), place.limiter(&clock));
    let parts = [crate::Joint::new(&one, "alice", 1), crate::Joint::new(&same, "bob", 1)];
    assert!(matches!(crate::check_all(&parts), Err(crate::Error::Joint(_))));
    let (elsewhere, parts) = (Place::new(), parts[0]);
    let other = elsewhere.limiter(&clock);
    assert!(crate::check_all(&[parts, crate::Joint::new(&other, "alice", 1)]).unwrap().allowed());
}

/// A view takes no part, and shows what there is.
#[test]
fn a_view_shows_the_keys() {
    let (place, clock) = (Place::new(), ManualClock::at(Nanos::from_secs(1000)));
    let limiter = place.limiter(&clock);
    assert!(limiter.check_n("alice", 3).unwrap().allowed());
    assert!(limiter.check_n("bob", 5).unwrap().allowed());
    let view = SegmentView::open(place.path()).unwrap();
    let snapshot = view.snapshot(1);
    assert_eq!((snapshot.keys, snapshot.live, snapshot.locked), (2, 2, 0));
    assert_eq!(snapshot.processes[0].pid, std::process::id());
    assert_eq!(snapshot.top.len(), 1);
    assert_eq!(snapshot.top[0].fingerprint, view.fingerprint("bob"));
    assert_eq!(view.key("alice").unwrap().decision.remaining(), 7);
    assert!(view.key("carol").is_none());
    assert!(SegmentView::open(place.folder.path().join("none")).is_err());
}

/// Locks every version that was ever written, and some of the insertion locks, in the name of a process
/// that has ended.
fn lock_all_for_the_dead(limiter: &Limiter, path: &Path) {
    let locks = limiter.table_for_tests().layout.lock_word(0) * 8;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut word = [0; 8];
    for at in (REGION + locks.next_multiple_of(64) as u64..file.metadata().unwrap().len() - 8).step_by(64) {
        file.read_exact_at(&mut word, at + 8).unwrap();
        let version = u64::from_ne_bytes(word);
        if version != 0 && version >> 40 == 0 {
            file.write_all_at(&(version | 77 << 40 | 1).to_ne_bytes(), at + 8).unwrap();
        }
    }
}

/// What a process locked that ended with its lock is found and taken over, as far as it got.
#[test]
fn a_lock_of_a_process_that_ended_is_taken_over() {
    let (place, clock) = (Place::new(), ManualClock::new());
    let limiter = place.limiter(&clock);
    assert!(limiter.allow("alice").unwrap());
    lock_all_for_the_dead(&limiter, &place.path());
    assert_eq!(limiter.check("alice").unwrap().remaining(), 8);
    assert_eq!(limiter.counters().unavailable, 0);
}

/// So is the place of a key that nobody asks for any more.
#[test]
fn a_place_that_a_process_locked_that_ended_is_given_to_another_key() {
    let (place, clock) = (Place::new(), ManualClock::new());
    let limiter = place.builder(POLICY).on_full(crate::OnFull::Deny).clock(clock.clone()).build().unwrap();
    let mut keys = 0..;
    while limiter.check(format!("old {}", keys.next().unwrap())).unwrap().tracked() {}
    lock_all_for_the_dead(&limiter, &place.path());
    clock.advance(Duration::from_secs(61));
    for key in 0..limiter.max_keys() / 2 {
        assert!(limiter.check(format!("new {key}")).unwrap().tracked(), "{key}");
    }
    assert_eq!(limiter.counters().unavailable, 0);
}

#[test]
fn waiting_for_a_holder_that_does_not_go_on_ends() {
    let (place, clock) = (Place::new(), ManualClock::new());
    let (one, two) = (place.limiter(&clock), place.limiter(&clock));
    assert!(one.allow("alice").unwrap());
    // As if `two` had been stopped in the midst of an admission.
    let tag = two.tag_for_tests("alice");
    two.table_for_tests().hold_for_tests(tag);
    let denied = one.check("alice").unwrap();
    assert!(!denied.allowed() && !denied.tracked());
    assert_eq!(denied.retry_after(), Some(Duration::from_secs(1)));
    assert!(matches!(one.peek("alice"), Err(Error::Unavailable(_))));
    assert!(matches!(one.refund("alice", 1), Err(Error::Unavailable(_))));
    assert!(one.allow("bob").unwrap());
    assert_eq!(one.counters().unavailable, 1);
    drop(two);
    assert_eq!(one.check("alice").unwrap().remaining(), 8);
}
