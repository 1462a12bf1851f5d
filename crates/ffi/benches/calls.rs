//! What a call costs through C beside what it costs in Rust, in one process, a round of each in
//! turn: `cargo bench -p tidegate-ffi`. The least of many rounds is shown, since whatever else the
//! machine does only adds to it.
//!
//! With a name (`-- c-check`) that contender runs alone, a thousand calls: for callgrind, which
//! counts instructions.

#![allow(unsafe_code, clippy::unwrap_used)]

use std::ffi::c_void;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::Instant;

use tidegate_ffi::{tg_allow, tg_check, tg_decision, tg_limiter, tg_limiter_free, tg_limiter_new, tg_status};

const POLICY: &str = "100/minute; 10/second token-bucket";
const GENEROUS: &str = "1000000/second token-bucket burst=9000000; 1000000/second token-bucket burst=9000000";
const KEY: &[u8] = b"203.0.113.7";

/// Makes so many calls, and says how many were admitted.
struct Contender {
    name: &'static str,
    run: Box<dyn Fn(u32) -> u32>,
}

type Check =
    unsafe extern "C" fn(*const tg_limiter, *const c_void, usize, u64, *mut tg_decision) -> tg_status;
type Allow = unsafe extern "C" fn(*const tg_limiter, *const c_void, usize, u64, *mut bool) -> tg_status;

fn c_limiter(policy: &str) -> *mut tg_limiter {
    let mut limiter = std::ptr::null_mut();
    // SAFETY: the policy has its length, and there is room for a handle.
    let status =
        unsafe { tg_limiter_new(policy.as_ptr().cast(), policy.len(), std::ptr::null(), &raw mut limiter) };
    assert_eq!(status, tg_status::TG_OK);
    limiter
}

/// A handle that is given back in the end.
struct Handle(*mut tg_limiter);

impl Handle {
    /// By a method, so that a closure which uses it takes the whole of it along.
    fn get(&self) -> *const tg_limiter {
        self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it came from `tg_limiter_new`, and goes with this.
        unsafe { tg_limiter_free(self.0) }
    }
}

fn rust_check(name: &'static str, policy: &str) -> Contender {
    let limiter = tidegate::Limiter::new(policy).unwrap();
    let call = move || {
        limiter.check_n(black_box(KEY), black_box(1)).is_ok_and(|decision| black_box(decision).allowed())
    };
    Contender { name, run: Box::new(move |calls| (0..calls).map(|_| u32::from(call())).sum()) }
}

fn rust_allow(name: &'static str, policy: &str) -> Contender {
    let limiter = tidegate::Limiter::new(policy).unwrap();
    let call = move || limiter.allow(black_box(KEY)).unwrap();
    Contender { name, run: Box::new(move |calls| (0..calls).map(|_| u32::from(call())).sum()) }
}

fn c_check(name: &'static str, policy: &str) -> Contender {
    let handle = Handle(c_limiter(policy));
    let check: Check = black_box(tg_check);
    let call = move || {
        let mut decision = MaybeUninit::uninit();
        // SAFETY: the limiter lives, the key has its length, and there is room for a decision.
        let status = unsafe { check(handle.get(), KEY.as_ptr().cast(), KEY.len(), 1, decision.as_mut_ptr()) };
        // SAFETY: filled by the call.
        status == tg_status::TG_OK && unsafe { black_box(&decision).assume_init_ref() }.allowed
    };
    Contender { name, run: Box::new(move |calls| (0..calls).map(|_| u32::from(call())).sum()) }
}

fn c_allow(name: &'static str, policy: &str) -> Contender {
    let handle = Handle(c_limiter(policy));
    let allow: Allow = black_box(tg_allow);
    let call = move || {
        let mut allowed = false;
        // SAFETY: the limiter lives, the key has its length, and there is room for the answer.
        let status = unsafe { allow(handle.get(), KEY.as_ptr().cast(), KEY.len(), 1, &raw mut allowed) };
        status == tg_status::TG_OK && allowed
    };
    Contender { name, run: Box::new(move |calls| (0..calls).map(|_| u32::from(call())).sum()) }
}

fn contenders() -> Vec<Contender> {
    vec![
        rust_check("rust-check-denied", POLICY),
        c_check("c-check-denied", POLICY),
        rust_check("rust-check-admitted", GENEROUS),
        c_check("c-check-admitted", GENEROUS),
        rust_allow("rust-allow-denied", POLICY),
        c_allow("c-allow-denied", POLICY),
        rust_allow("rust-allow-admitted", GENEROUS),
        c_allow("c-allow-admitted", GENEROUS),
    ]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(name) = arguments.iter().find(|argument| !argument.starts_with("--")) {
        return alone(name);
    }
    let calls = 10_000;
    // cargo says `--bench` when it is meant in earnest.
    let rounds = if arguments.iter().any(|argument| argument == "--bench") { 500 } else { 2 };
    side_by_side(calls, rounds);
}

fn alone(name: &str) {
    for contender in contenders().iter().filter(|contender| contender.name == name) {
        println!("{name}: {} admitted", (contender.run)(1000));
    }
}

fn side_by_side(calls: u32, rounds: u32) {
    let mut all: Vec<_> = contenders().into_iter().map(|contender| (contender, f64::INFINITY)).collect();
    for _ in 0..rounds {
        for (contender, least) in &mut all {
            let start = Instant::now();
            black_box((contender.run)(calls));
            *least = least.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
        }
    }
    all.iter().for_each(|(contender, least)| println!("{:22} {least:6.1} ns", contender.name));
}
