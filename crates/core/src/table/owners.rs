//! Who writes to a table: every process under a name of its own, so that those who wait for a
//! word can tell whether its holder still lives.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::sync::Backoff;

/// How long a check waits for a holder that lives and does not go on: one that was stopped, or is
/// not given the processor. Longer than any scheduler withholds it from a process that may run.
const PATIENCE: Duration = Duration::from_millis(100);

/// The name of a process among those that share a table; 24 bits, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner(u32);

impl Owner {
    pub(crate) const BITS: u32 = 24;

    #[inline(always)]
    pub(super) fn get(self) -> u32 {
        self.0
    }
}

/// The other processes of a shared table.
pub(crate) trait Members: Send + Sync {
    /// Whether the process of this name has ended. Names that nobody can have are of nobody.
    fn has_ended(&self, owner: u32) -> bool;
    /// What tells their table apart from all others of the machine, if it can be opened twice.
    fn table(&self) -> Option<(u64, u64)> {
        None
    }
}

/// This process among the owners of a table.
pub(crate) struct Owners {
    /// This process; 0 once it may not write any more. Outside, since those who change it (a fork,
    /// a signal) know no tables.
    me: &'static AtomicU32,
    others: Option<Box<dyn Members>>,
    /// The last word that was waited for in vain: the next one that meets it does not wait again.
    stalled: AtomicU64,
}

/// What became of waiting for a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Look again.
    Some,
    /// The holder has ended, and will never give the word back.
    HolderEnded,
    /// The holder lives and does not go on.
    Stalled,
}

impl Owners {
    /// A table of this process alone, whose name is `me`.
    pub(crate) fn alone(me: &'static AtomicU32) -> Self {
        Self { me, others: None, stalled: AtomicU64::new(0) }
    }

    /// A table that is shared with `others`.
    pub(crate) fn shared(me: &'static AtomicU32, others: Box<dyn Members>) -> Self {
        Self { me, others: Some(others), stalled: AtomicU64::new(0) }
    }

    /// Whether the process of this name has ended. For a table that is not shared it has if it is
    /// another one: the parent, whose threads are not here.
    pub(super) fn has_ended(&self, owner: u32) -> bool {
        match &self.others {
            Some(others) => others.has_ended(owner),
            None => owner != self.me.load(Ordering::Relaxed),
        }
    }

    /// Whether these are the owners of one and the same table.
    pub(super) fn share(&self, with: &Self) -> bool {
        let table = |owners: &Self| owners.others.as_ref().and_then(|others| others.table());
        std::ptr::eq(self, with) || (table(self).is_some() && table(self) == table(with))
    }

    /// This process, if it may write.
    #[inline(always)]
    pub(super) fn me(&self) -> Option<Owner> {
        let me = self.me.load(Ordering::Relaxed);
        (me != 0).then_some(Owner(me))
    }
}

/// Somebody's wait for a word that another holds.
pub(super) struct Wait<'a> {
    owners: &'a Owners,
    backoff: Backoff,
    /// The word that is waited for, and since when: another one shows that its holder went on.
    since: Option<(u64, Instant)>,
}

impl<'a> Wait<'a> {
    pub(super) fn new(owners: &'a Owners) -> Self {
        Self { owners, backoff: Backoff::new(), since: None }
    }

    /// Waits a little for `word`, which `holder` holds. Within one process a holder always goes on, unless
    /// it was a thread of the parent's.
    #[cold]
    pub(super) fn for_word(&mut self, word: u64, holder: u32) -> Waited {
        let Some(others) = self.owners.others.as_deref() else {
            if self.owners.has_ended(holder) {
                return Waited::HolderEnded;
            }
            self.backoff.wait();
            return Waited::Some;
        };
        let met_before = self.owners.stalled.load(Ordering::Relaxed) == word;
        if !met_before && self.backoff.wait_briefly() {
            return Waited::Some;
        }
        if others.has_ended(holder) {
            return Waited::HolderEnded;
        }
        let since = self.since.filter(|&(same, _)| same == word).unwrap_or_else(|| (word, Instant::now()));
        self.since = Some(since);
        if met_before || since.1.elapsed() > PATIENCE {
            self.owners.stalled.store(word, Ordering::Relaxed);
            return Waited::Stalled;
        }
        self.backoff.wait();
        Waited::Some
    }
}
