//! A made-up access log, the same for the same seed on every machine: whole numbers only, and a
//! generator whose stream does not change.
//!
//! Three kinds of clients: a crowd that reads pages at a human pace, more by day than by night;
//! batch jobs that send a burst now and then; and an attacker that hammers for a while.

use std::io::{self, Write};

use jiff::Timestamp;
use oorandom::Rand64;

use crate::args::Generate;
use crate::failure::{Failure, Result};

const HOUR_MS: u64 = 3_600_000;

/// 5 January 2026, a Monday, at midnight UTC, in seconds since 1970.
const START: i64 = 1_767_571_200;

/// Of a hundred requests: the attacker's, and those of the batch jobs.
const ATTACKER_SHARE: u64 = 12;
const BURST_SHARE: u64 = 13;

/// How lively each hour of a day is.
const DAY: [u64; 24] = [4, 3, 2, 2, 2, 3, 5, 9, 14, 18, 20, 20, 18, 19, 20, 19, 17, 15, 14, 15, 16, 13, 9, 6];

const PAGES: [&str; 8] = [
    "/",
    "/pricing",
    "/docs",
    "/docs/quickstart",
    "/blog/exact-limits",
    "/assets/site.css",
    "/assets/site.js",
    "/favicon.ico",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
];

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Person(u32),
    Job(u32),
    Attacker,
}

/// A request: when it began, in milliseconds after the start, and whose it is.
type Request = (u64, Client);

/// Writes the log.
pub(crate) fn generate(args: &Generate, out: &mut impl Write) -> Result<io::Result<()>> {
    let mut random = Rand64::new(u128::from(args.seed));
    let mut requests = room_for(args.requests)?;
    let mut order = room_for(args.requests)?;
    add_requests(args, &mut random, &mut requests);
    by_end(&requests, &mut random, &mut order);
    let ordered = order.iter().filter_map(|&(_, number)| requests.get(number as usize));
    Ok(write_lines(ordered, &mut random, out))
}

/// Memory for so many, or word that there is not as much.
fn room_for<T>(requests: u32) -> Result<Vec<T>> {
    let mut room = Vec::new();
    let reserved = room.try_reserve_exact(requests as usize);
    reserved.map_err(Failure::while_doing(format!("no room for {requests} requests")))?;
    Ok(room)
}

/// All requests, kind by kind.
fn add_requests(args: &Generate, random: &mut Rand64, requests: &mut Vec<Request>) {
    let total = u64::from(args.requests);
    let span = u64::from(args.hours) * HOUR_MS;
    let attack = total * ATTACKER_SHARE / 100;
    let bursts = total * BURST_SHARE / 100;
    add_attack(attack, span, random, requests);
    add_bursts(attack + bursts, args.keys, span, random, requests);
    add_crowd(total, args.keys, span, random, requests);
}

/// When each request ended, and its number, in that order: a line is written when its request has
/// ended, up to two seconds after it began, so that the log has the disorder of a real one.
fn by_end(requests: &[Request], random: &mut Rand64, order: &mut Vec<(u64, u32)>) {
    order.extend((0..).zip(requests).map(|(number, r)| (r.0 + random.rand_range(0..2_000), number)));
    // Takes no further memory; the numbers keep those that ended together in their order.
    order.sort_unstable();
}

/// One address, two attacks: a long one at a steady rate and a short, fierce one.
fn add_attack(until: u64, span: u64, random: &mut Rand64, requests: &mut Vec<Request>) {
    while (requests.len() as u64) < until {
        let fierce = random.rand_range(0..3) == 0;
        let (from, length) = if fierce { (span / 10 * 7, span / 1_440) } else { (span / 10 * 4, span / 120) };
        requests.push((from + random.rand_range(0..length.max(1)), Client::Attacker));
    }
}

/// One address in a hundred is a batch job's, and no more than their range has.
fn jobs(keys: u32) -> u32 {
    (keys / 100).clamp(1, 250)
}

/// A job sends 20 to 79 requests within a few seconds.
fn add_bursts(until: u64, keys: u32, span: u64, random: &mut Rand64, requests: &mut Vec<Request>) {
    let jobs = u64::from(jobs(keys));
    while (requests.len() as u64) < until {
        let job = Client::Job(random.rand_range(0..jobs) as u32);
        let (start, length) = (random.rand_range(0..span), random.rand_range(1_500..8_000));
        let size = random.rand_range(20..80).min(until - requests.len() as u64);
        for _ in 0..size {
            requests.push((start + random.rand_range(0..length), job));
        }
    }
}

/// A person opens a page and what belongs to it. Everyone comes once, some come back often.
fn add_crowd(until: u64, keys: u32, span: u64, random: &mut Rand64, requests: &mut Vec<Request>) {
    let people = u64::from(keys.saturating_sub(jobs(keys) + 1).max(1));
    for visit in 0.. {
        if requests.len() as u64 >= until {
            return;
        }
        // The product of two even draws leans towards the small numbers.
        let regular = random.rand_range(0..people) * random.rand_range(1..people + 1) / people;
        let person = if visit < people { visit } else { regular };
        let start = by_day(span, random);
        let size = random.rand_range(1..6).min(until - requests.len() as u64);
        for _ in 0..size {
            requests.push((start + random.rand_range(0..1_500), Client::Person(person as u32)));
        }
    }
}

/// A moment within the span, more often one at which people are awake.
fn by_day(span: u64, random: &mut Rand64) -> u64 {
    loop {
        let at = random.rand_range(0..span);
        let liveliness = DAY.get((at / HOUR_MS % 24) as usize).copied().unwrap_or(1);
        if random.rand_range(0..20) < liveliness {
            return at;
        }
    }
}

fn write_lines<'r>(
    requests: impl Iterator<Item = &'r Request>,
    random: &mut Rand64,
    out: &mut impl Write,
) -> io::Result<()> {
    for &(at, client) in requests {
        let time = Timestamp::from_second(START + (at / 1_000) as i64).unwrap_or_default();
        let time = time.strftime("%d/%b/%Y:%H:%M:%S +0000");
        let size = random.rand_range(200..40_000);
        let (address, request, agent) = describe(client, random);
        writeln!(out, "{address} - - [{time}] \"{request} HTTP/1.1\" 200 {size} \"-\" \"{agent}\"")?;
    }
    out.flush()
}

/// Addresses from the ranges that are set aside for examples and benchmarks.
fn describe(client: Client, random: &mut Rand64) -> (String, String, &'static str) {
    match client {
        Client::Person(n) => {
            let page = PAGES.get(random.rand_range(0..8) as usize).unwrap_or(&"/");
            let agent = AGENTS.get(n as usize % AGENTS.len()).unwrap_or(&"-");
            (format!("198.{}.{}.{}", 18 + n / 65_536, n / 256 % 256, n % 256), format!("GET {page}"), agent)
        }
        Client::Job(n) => {
            let item = random.rand_range(1..10_000);
            (format!("192.0.2.{}", n + 1), format!("POST /api/contacts/{item}"), "batch-job/2.1")
        }
        Client::Attacker => {
            ("203.0.113.66".to_owned(), format!("POST /login?try={}", random.rand_range(0..1_000_000)), "-")
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::log::{Format, Selector, parse_line};

    fn log(seed: u64, requests: u32, keys: u32, hours: u32) -> String {
        let mut out = Vec::new();
        generate(&Generate { seed, requests, keys, hours }, &mut out).unwrap().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_line_reads_back_and_the_numbers_are_kept() {
        let log = log(1, 5_000, 300, 24);
        let addresses: HashSet<_> = log
            .lines()
            .map(|line| {
                let record = parse_line(line.as_bytes(), Format::Combined).unwrap();
                record.get(&Selector::Address).unwrap().unwrap().into_owned()
            })
            .collect();
        assert_eq!(log.lines().count(), 5_000);
        assert_eq!(addresses.len(), 300);
    }

    #[test]
    fn a_seed_means_one_log() {
        assert_eq!(log(7, 500, 50, 2), log(7, 500, 50, 2));
        assert_ne!(log(7, 500, 50, 2), log(8, 500, 50, 2));
    }

    #[test]
    fn small_logs_are_logs_too() {
        for (requests, keys) in [(0, 3), (1, 3), (3, 3), (100, 3)] {
            assert_eq!(log(1, requests, keys, 1).lines().count() as u32, requests);
        }
    }
}
