//! Waiting in a task: the same queue, and the timer of the runtime.

use std::ops::ControlFlow;
use std::time::Duration;

use ::tokio::sync::Notify;
use ::tokio::time;

use super::LONGEST_SLEEP;
use super::queue::Call;
use crate::Limiter;
use crate::decision::Decision;
use crate::error::Result;

/// The shortest that the timer sleeps.
const SOON: Duration = Duration::from_millis(1);

impl Limiter {
    /// Waits as [`acquire`](Self::acquire) does, and blocks no thread: needs a Tokio runtime with its
    /// timer enabled. Tasks and threads that wait for one key stand in one queue. To drop the future is
    /// to leave the queue, with nothing taken or counted.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::Limiter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> tidegate::Result<()> {
    /// let limiter = Limiter::new("1/20ms")?;
    /// for _ in 0..2 {
    ///     let decision = limiter.acquire_async("alice", 1, Duration::from_secs(1)).await?;
    ///     assert!(decision.allowed());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As for [`check_n`](Self::check_n).
    pub async fn acquire_async(
        &self,
        key: impl AsRef<[u8]>,
        cost: u64,
        timeout: Duration,
    ) -> Result<Decision<'_>> {
        let tag = self.tag(key.as_ref())?;
        self.validate(cost)?;
        let deadline = self.clock.now() + timeout;
        let place = self.waiters.enqueue(tag, cost, Call::Task(Notify::new()));
        loop {
            let now = self.clock.now();
            let left = deadline.saturating_since(now);
            let turn = self.try_turn(&place, &place.waiters.queues.lock(), self.limiter_time(now), left);
            match turn {
                ControlFlow::Break(decision) => return Ok(decision),
                // The first is about to be served.
                ControlFlow::Continue(Duration::ZERO) => time::sleep(SOON).await,
                ControlFlow::Continue(wait) => {
                    let wait = if self.clock.is_manual() { LONGEST_SLEEP } else { wait.min(LONGEST_SLEEP) };
                    if let Some(call) = place.call.task() {
                        // A call since the look is not lost: it is there when it is waited for.
                        let _ = time::timeout(wait, call.notified()).await;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use ::tokio::task::yield_now;
    use ::tokio::{join, runtime, time};

    use crate::{Limiter, ManualClock};

    const SECOND: Duration = Duration::from_secs(1);

    fn limiter(policy: &str) -> (Limiter, ManualClock) {
        let clock = ManualClock::new();
        (Limiter::builder(policy).clock(clock.clone()).build().unwrap(), clock)
    }

    /// On one thread; that it could be on many is for the compiler to prove.
    fn run<T>(future: impl Future<Output = T> + Send) -> T {
        runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    async fn until_waiting(limiter: &Limiter, count: usize) {
        while limiter.waiters.waiting() != count {
            yield_now().await;
        }
    }

    #[test]
    fn tasks_are_admitted_in_the_order_of_their_calls() {
        let (limiter, clock) = limiter("10/second token-bucket");
        limiter.check_n("a", 9).unwrap();
        run(async {
            let large = limiter.acquire_async("a", 10, 60 * SECOND);
            let small = async {
                until_waiting(&limiter, 1).await;
                limiter.acquire_async("a", 1, 60 * SECOND).await.unwrap().at()
            };
            let drive = async {
                until_waiting(&limiter, 2).await;
                // One unit is free, and the first in the queue needs it.
                let denied = limiter.acquire_async("a", 1, Duration::ZERO).await.unwrap();
                assert!(!denied.allowed());
                clock.advance(SECOND);
                until_waiting(&limiter, 1).await;
                clock.advance(SECOND);
            };
            let (large, small, ()) = join!(large, small, drive);
            assert!(large.unwrap().at() < small);
        });
        assert_eq!(limiter.waiters.waiting(), 0);
        assert_eq!((limiter.counters().admitted, limiter.counters().denied), (3, vec![1]));
    }

    #[test]
    fn a_dropped_future_leaves_the_queue() {
        let (limiter, _) = limiter("1/minute");
        limiter.check("a").unwrap();
        run(async {
            let waiting = limiter.acquire_async("a", 1, 600 * SECOND);
            assert!(time::timeout(Duration::from_millis(1), waiting).await.is_err());
            assert_eq!(limiter.waiters.waiting(), 0);
            limiter.reset("a").unwrap();
            assert!(limiter.acquire_async("a", 1, Duration::ZERO).await.unwrap().allowed());
        });
    }

    #[test]
    fn a_refund_wakes_a_task_and_bad_input_is_told_at_once() {
        let (limiter, _) = limiter("1/minute");
        limiter.check("a").unwrap();
        run(async {
            let refund = async {
                until_waiting(&limiter, 1).await;
                assert!(limiter.acquire_async("a", 2, SECOND).await.is_err());
                // The clock stands still: to wait would be for ever.
                assert!(!limiter.acquire_async("a", 1, SECOND).await.unwrap().allowed());
                limiter.refund("a", 1).unwrap();
            };
            let (waited, ()) = join!(limiter.acquire_async("a", 1, 60 * SECOND), refund);
            assert!(waited.unwrap().allowed());
        });
    }
}
