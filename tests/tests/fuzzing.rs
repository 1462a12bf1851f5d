//! The fuzz targets on a few thousand seeded inputs, so that they neither rot nor wait for a
//! fuzzer to find what is easily found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use oorandom::Rand32;
use tidegate_tests::fuzz;
#[cfg(target_os = "linux")]
use tidegate_tests::stress::scaled;

/// Runs `target` on mutations of the seeds, splicing words of one into another.
fn mutate(seeds: &[&str], inputs: usize, target: impl Fn(&[u8])) {
    let mut random = Rand32::new(7);
    for seed in seeds {
        target(seed.as_bytes());
    }
    for _ in 0..inputs {
        let mut input = pick(&mut random, seeds).as_bytes().to_vec();
        for _ in 0..=random.rand_range(0..4) {
            change(&mut input, seeds, &mut random);
        }
        target(&input);
    }
}

fn pick<'s>(random: &mut Rand32, from: &[&'s str]) -> &'s str {
    from[random.rand_range(0..from.len() as u32) as usize]
}

fn change(input: &mut Vec<u8>, seeds: &[&str], random: &mut Rand32) {
    let at = random.rand_range(0..input.len() as u32 + 1) as usize;
    let end = (at + random.rand_range(0..8) as usize).min(input.len());
    let with = match random.rand_range(0..5) {
        0 => Vec::new(),
        1 => vec![random.rand_u32() as u8],
        2 => input[at..end].repeat(2),
        3 => "µ9_;\"[]{}-99999999999999999999".as_bytes()[..random.rand_range(0..30) as usize].to_vec(),
        _ => {
            let words: Vec<_> = pick(random, seeds).split_inclusive(' ').collect();
            pick(random, &words).as_bytes().to_vec()
        }
    };
    input.splice(at..end, with);
}

#[test]
fn notations() {
    let seeds = [
        "100/minute; 10/second token-bucket burst=20",
        "minute: 10 per 2 hours | 5/90s sliding-window-log, 7/250 µs",
        "a: 1_000/day unit=content-bytes\nb: 3/year token-bucket",
    ];
    mutate(&seeds, 5000, fuzz::notation);
}

#[test]
fn policy_files() {
    let seeds = [
        "[free]\nlimits = \"100/minute\"\nmax_body = \"5 MB\"\n",
        "[pro]\nreport = \"tightest\"\n[[pro.limits]]\nname = \"burst\"\nquota = 10\nwindow = \"1 s\"\nalgorithm = \"token-bucket\"\n",
    ];
    mutate(&seeds, 2000, fuzz::policy_file);
}

#[test]
fn log_lines() {
    let seeds = [
        r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a b HTTP/1.1" 200 12 "-" "curl/8""#,
        r#"2001:db8::1 - al [29/Feb/2016:23:59:60 -0130] "GET / HTTP/1.0" 404 -"#,
        r#"{"time":"2015-05-17T10:05:03.25Z","ip":"::ffff:192.0.2.7","a":{"b":"\u00e9\ud83d\ude00"},"user-agent":1e9}"#,
        r#"{"ts":1431857103.5,"remote_addr":"203.0.113.9","a":[1,{"b":null}]}"#,
    ];
    mutate(&seeds, 5000, fuzz::log_line);
}

#[test]
fn operations() {
    let mut random = Rand32::new(11);
    for _ in 0..1000 {
        let length = random.rand_range(0..900);
        let data: Vec<u8> = (0..length).map(|_| random.rand_u32() as u8).collect();
        fuzz::operations(&data);
    }
}

/// Random bytes for a target, so many of them; `TIDEGATE_STRESS=100` makes it a hundred times as many.
#[cfg(target_os = "linux")]
fn random_inputs(seed: u64, inputs: usize, longest: u32, target: impl Fn(&[u8])) {
    let mut random = Rand32::new(seed);
    for _ in 0..inputs {
        let length = random.rand_range(0..longest);
        let data: Vec<u8> = (0..length).map(|_| random.rand_u32() as u8).collect();
        target(&data);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn segments_under_damage() {
    random_inputs(13, scaled(400), 4000, tidegate_tests::hostile::live);
}

#[cfg(target_os = "linux")]
#[test]
fn segment_files() {
    random_inputs(17, scaled(1500), 300, tidegate_tests::hostile::file);
}
