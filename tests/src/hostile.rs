//! A segment whose bytes somebody changes under the processes that use it: no call panics, and each
//! comes back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rapidhash::v3::{RapidSecrets, rapidhash_v3_inline};
use tidegate::{Joint, Limiter, LimiterBuilder, ManualClock, OnFull, OnUnavailable, SegmentView, check_all};

use crate::kills::scene::folder;

/// Longer than any call takes: one waits for a tenth of a second for each of a few words whose
/// holder seems to live.
const BOUND: Duration = Duration::from_secs(10);

/// The most steps on one segment.
const STEPS: usize = 200;

const POLICIES: [&str; 6] = [
    "5/second",
    "7/minute token-bucket burst=3",
    "10/minute; 5/second token-bucket",
    "3/second; 9/minute; 100/hour; 5/second token-bucket",
    "400/minute",
    "9007199254740991/day token-bucket; 1/second",
];

/// Where the table begins.
const TABLE: u64 = 65_536;

/// Choices out of a fuzzer's bytes; zeros once they are used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (byte, rest) = self.0.split_first().map_or((0, &[][..]), |(byte, rest)| (*byte, rest));
        self.0 = rest;
        byte
    }

    fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    fn below(&mut self, choices: u64) -> u64 {
        let two = u64::from(self.byte()) << 8 | u64::from(self.byte());
        two % choices.max(1)
    }

    fn pick<T: Copy>(&mut self, from: &[T], otherwise: T) -> T {
        let index = self.below(from.len() as u64) as usize;
        from.get(index).copied().unwrap_or(otherwise)
    }
}

/// Calls on a limiter, and changes of the file under it.
///
/// # Panics
/// If a call does, or takes too long.
pub fn live(data: &[u8]) {
    let mut choices = Choices(data);
    let Ok(place) = folder() else { return };
    let path = place.path().join("quota");
    let clock = ManualClock::at(tidegate::Nanos::from_secs(1_000_000));
    let policy = choices.pick(&POLICIES, "1/second");
    let builder = builder(&mut choices, policy).max_keys(1 + choices.byte() as usize % 40);
    let is_manual = choices.byte().is_multiple_of(2);
    let builder = if is_manual { builder.clock(clock.clone()) } else { builder };
    let Ok(limiter) = builder.segment(&path).build() else { return };
    let Ok(view) = SegmentView::open(&path) else { return };
    let Ok(other) = Limiter::new("1000/second") else { return };
    let Ok(file) = File::options().read(true).write(true).open(&path) else { return };
    let victim = Victim { limiter, other, view, file, path: &path };
    for _ in 0..STEPS {
        if choices.0.is_empty() {
            break;
        }
        victim.step(&mut choices);
        clock.advance(Duration::from_millis(choices.below(3000)));
    }
}

fn builder(choices: &mut Choices<'_>, policy: &str) -> LimiterBuilder {
    let on_full = choices.pick(&[OnFull::Overflow, OnFull::Deny, OnFull::Allow], OnFull::Deny);
    let on_unavailable = choices.pick(&[OnUnavailable::Deny, OnUnavailable::Allow], OnUnavailable::Deny);
    Limiter::builder(policy).on_full(on_full).on_unavailable(on_unavailable)
}

struct Victim<'a> {
    limiter: Limiter,
    other: Limiter,
    view: SegmentView,
    file: File,
    path: &'a Path,
}

impl Victim<'_> {
    fn step(&self, choices: &mut Choices<'_>) {
        let (start, kind) = (Instant::now(), choices.byte() % 24);
        match kind {
            0..8 => damage(&self.file, choices),
            _ => self.call(kind, choices),
        }
        let took = start.elapsed();
        assert!(took < BOUND, "step {kind} took {took:?}");
    }

    /// Errors are answers too.
    fn call(&self, kind: u8, choices: &mut Choices<'_>) {
        let (limiter, key, cost) = (&self.limiter, [b'k', choices.byte() % 60], 1 + choices.below(5));
        let costs: Vec<u64> = limiter.policy().limits().iter().map(|_| choices.below(4)).collect();
        match kind {
            8 | 9 => drop(limiter.check(key).map(|decision| format!("{decision:?}"))),
            10 => drop(limiter.check_n(key, cost)),
            11 => drop(limiter.check_costs(key, &costs)),
            12 => drop(limiter.allow(key)),
            13 => drop(limiter.peek(key).map(|decision| format!("{decision:?}"))),
            14 => drop(limiter.refund(key, cost)),
            15 => drop(limiter.refund_costs(key, &costs)),
            16 => drop(limiter.reset(key)),
            17 => drop(limiter.check_many(&[[key[0], 0], key, [key[0], 1], key], cost)),
            18 => drop(check_all(&[Joint::new(limiter, &key, cost), Joint::new(&self.other, &key, 1)])),
            19 => self.handle(key, cost),
            20 => drop(limiter.acquire(key, cost, Duration::ZERO)),
            21 => drop(self.view.snapshot(5).top.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>()),
            22 => drop(self.view.key(key).map(|key| key.used())),
            _ => self.newcomer(key),
        }
    }

    fn handle(&self, key: [u8; 2], cost: u64) {
        if let Ok(handle) = self.limiter.key(key) {
            let _ = (handle.allow(), handle.check(), handle.check_n(cost));
        }
    }

    /// Another process comes, looks and goes.
    fn newcomer(&self, key: [u8; 2]) {
        drop(SegmentView::open(self.path).map(|view| view.snapshot(3).keys));
        let policy = self.limiter.policy().clone();
        let clock = self.limiter.clock().clone();
        drop(Limiter::builder(policy).clock(clock).segment(self.path).build().map(|new| new.allow(key)));
    }
}

/// Changes the file in some way; what cannot be changed stays.
fn damage(file: &File, choices: &mut Choices<'_>) {
    let len = file.metadata().map_or(0, |found| found.len()).max(1);
    let wild = choices.word();
    // Mostly the table, and there mostly the words before the rings.
    let at = match choices.byte() % 4 {
        0 => wild % len,
        1 => TABLE + wild % len.saturating_sub(TABLE).max(1),
        _ => TABLE + (wild % 12_000) / 8 * 8,
    };
    let special = [0, 1, u64::MAX, 1 << 63, 1 << 40 | 1, 1 << 62, wild, wild | 1];
    let word = choices.pick(&special, wild);
    let count = choices.below(600) as usize;
    let done = match choices.byte() % 16 {
        0..4 => flip(file, at, 1 << (wild % 8)),
        4..8 => file.write_all_at(&word.to_ne_bytes(), at),
        8 | 9 => file.write_all_at(&vec![0; count], at),
        10 | 11 => file.write_all_at(&word.to_ne_bytes().repeat(count / 8), at),
        12 | 13 => file.write_all_at(&word.to_ne_bytes(), 4096 + wild % 1023 * 8),
        14 => file.set_len(at),
        _ => file.set_len(len + wild % 100_000),
    };
    // Full, or sealed: that is the file's affair.
    drop(done);
}

fn flip(file: &File, at: u64, bit: u8) -> std::io::Result<()> {
    let mut byte = [0];
    file.read_exact_at(&mut byte, at)?;
    file.write_all_at(&byte.map(|byte| byte ^ bit), at)
}

/// Opens a file of any bytes, as they are and with a header whose checksum is right.
///
/// # Panics
/// If that does, or takes too long.
pub fn file(data: &[u8]) {
    let Ok(place) = folder() else { return };
    let path = place.path().join("quota");
    let mut choices = Choices(data);
    let policy = choices.pick(&POLICIES, "1/second");
    if choices.byte().is_multiple_of(4) {
        write_private(&path, choices.0);
    } else {
        let builder = Limiter::builder(policy).max_keys(50).segment(&path);
        if builder.build().and_then(|limiter| limiter.allow("k")).is_err() {
            return;
        }
        forge(&path, &mut choices);
    }
    let start = Instant::now();
    if let Ok(view) = SegmentView::open(&path) {
        let _ = (format!("{view:?}"), view.created(), view.size(), view.snapshot(3).top.len());
    }
    if let Ok(limiter) = Limiter::builder(policy).segment(&path).build() {
        for key in ["k", "a", "b"] {
            let _ = (
                limiter.check(key).map(|decision| format!("{decision:?}")),
                limiter.peek(key).map(|d| d.unix_time()),
            );
        }
        let _ = (limiter.now(), limiter.reset("k"), limiter.refund("a", 1));
    }
    assert!(start.elapsed() < BOUND);
}

fn write_private(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::OpenOptionsExt;
    let opened = File::options().write(true).create_new(true).mode(0o600).open(path);
    drop(opened.and_then(|file| file.write_all_at(bytes, 0)));
}

/// Changes words of the header, then makes its checksum right.
fn forge(path: &Path, choices: &mut Choices<'_>) {
    const CHECKSUM: usize = 3;
    let Ok(file) = File::options().read(true).write(true).open(path) else { return };
    let mut page = [0; 4096];
    if file.read_exact_at(&mut page, 0).is_err() {
        return;
    }
    for _ in 0..1 + choices.byte() % 3 {
        let (word, wild) = (usize::from(choices.byte()) % 20, choices.word());
        let special = [0, 1, u64::MAX, i64::MAX as u64, 1 << 32, 1 << 48, wild];
        set(&mut page, word, choices.pick(&special, wild));
    }
    set(&mut page, CHECKSUM, 0);
    let sum = rapidhash_v3_inline::<true, false, false>(&page, &RapidSecrets::seed(0));
    set(&mut page, CHECKSUM, sum);
    drop(file.write_all_at(&page, 0));
}

fn set(page: &mut [u8; 4096], word: usize, value: u64) {
    if let Some(place) = page.get_mut(word * 8..).and_then(<[u8]>::first_chunk_mut) {
        *place = value.to_ne_bytes();
    }
}
