//! Time that goes on from one start of the machine to the next.
//!
//! The monotonic clock begins anew at every boot, so a segment keeps what to add to it. While the
//! machine runs that number stays as it is, whatever happens to the wall clock. After a boot the
//! wall clock says how much time has passed, unless it lies behind the last admission: then time
//! goes on from there, so that a clock set backwards never gives a quota back early.

use crate::clock::{Clock, unix_now};
use crate::time::duration_nanos;

/// The times that a segment's time is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Which boot of the machine this is.
    pub(super) boot: u128,
    /// Nanoseconds of Unix time.
    pub(super) unix: u64,
    /// Nanoseconds on the monotonic clock.
    pub(super) monotonic: u64,
}

impl Times {
    /// The present of this machine.
    pub(super) fn now() -> std::io::Result<Self> {
        Ok(Self { boot: boot_id()?, unix: duration_nanos(unix_now()), monotonic: Clock::Precise.now().get() })
    }

    /// What to add to the monotonic clock, given the time of the last admission.
    pub(super) fn epoch(self, latest: u64) -> u64 {
        self.unix.max(latest).saturating_sub(self.monotonic)
    }
}

/// The kernel's random name of this boot, a UUID.
fn boot_id() -> std::io::Result<u128> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let digits = text.trim().replace('-', "");
    u128::from_str_radix(&digits, 16).map_err(|_| std::io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn time_follows_the_wall_clock_over_a_boot() {
        let times = Times { boot: 2, unix: 5000 * SECOND, monotonic: 10 * SECOND };
        assert_eq!(times.epoch(4000 * SECOND) + times.monotonic, 5000 * SECOND);
    }

    #[test]
    fn a_wall_clock_behind_the_last_admission_gives_nothing_back() {
        let times = Times { boot: 2, unix: 0, monotonic: 10 * SECOND };
        assert_eq!(times.epoch(4000 * SECOND) + times.monotonic, 4000 * SECOND);
    }

    #[test]
    fn this_machine_has_booted_once() -> std::io::Result<()> {
        let (one, two) = (Times::now()?, Times::now()?);
        assert_eq!(one.boot, two.boot);
        assert!(one.monotonic <= two.monotonic && one.unix > 0);
        Ok(())
    }
}
