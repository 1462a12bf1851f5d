//! Refusals and the bodies that say so.

use super::format::{Bodies, Body, Case, ContentTooLarge, Num};
use super::scenario::{HOUR, MILLI, MINUTE, SECOND, Scenario, Show};
use crate::headers::content_too_large_body;
use crate::limit::Limit;

pub(super) fn file() -> Bodies {
    let cases = denials().into_iter().map(Scenario::case).collect::<Vec<Case>>();
    Bodies { cases, content_too_large: sizes().into_iter().map(too_large).collect() }
}

fn new(name: &str, notation: &str, limits: Vec<Limit>) -> Scenario {
    Scenario::new(Show::Bodies, name, notation, limits)
}

fn denials() -> Vec<Scenario> {
    vec![
        new("the provider's page: again in 30 seconds", "1/minute", vec![Limit::log("minute", 1, MINUTE)])
            .check()
            .at(30 * SECOND)
            .check()
            .at(30 * SECOND + 1)
            .check()
            .at(58_500 * MILLI)
            .check()
            .at(59 * SECOND)
            .check()
            .at(MINUTE - 1)
            .check(),
        new(
            "a wait of milliseconds is one second",
            "10/second token-bucket burst=1",
            vec![Limit::bucket("second", 10, SECOND, 1)],
        )
        .checks(2),
        new(
            "all that deny are named, the longest wait is told",
            "second: 2/second; minute: 2/minute; 9/hour",
            vec![
                Limit::log("second", 2, SECOND),
                Limit::log("minute", 2, MINUTE),
                Limit::log("hour", 9, HOUR),
            ],
        )
        .checks(3),
    ]
}

fn sizes() -> [(u64, &'static str); 6] {
    [
        (5_000_000, "5 MB"),
        (5 << 20, "5 MiB"),
        (512 << 10, "512 KiB"),
        (1_500_000, "1500 kB"),
        (1, "1 byte"),
        (1_234_567, "1234567 bytes"),
    ]
}

fn too_large((max_body, size): (u64, &str)) -> ContentTooLarge {
    let (status, content_type) = (413, "application/json".to_owned());
    let response = Body { status, content_type, body: content_too_large_body(size) };
    ContentTooLarge { max_body: Num(max_body), response }
}
