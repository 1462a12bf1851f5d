//! Calls and the decisions that they must give.

mod buckets;
mod history;
mod logs;
mod together;

use super::format::{Case, Cases};
use super::scenario::{MILLI, MINUTE, SECOND, Scenario, Show};
use crate::limit::Limit;

pub(super) fn file() -> Cases {
    let groups = [
        seed(),
        logs::logs(),
        buckets::buckets(),
        buckets::rates(),
        together::together(),
        together::costs(),
        together::reports(),
        history::clocks(),
        history::undo(),
        history::wrong(),
    ];
    Cases { cases: groups.into_iter().flatten().map(Scenario::case).collect::<Vec<Case>>() }
}

fn new(name: &str, notation: &str, limits: Vec<Limit>) -> Scenario {
    Scenario::new(Show::Decision, name, notation, limits)
}

fn seed() -> Vec<Scenario> {
    let scenario = |name| {
        let limits = vec![Limit::log("minute", 100, MINUTE), Limit::bucket("second", 10, SECOND, 10)];
        new(name, "100/minute; 10/second token-bucket", limits)
    };
    let full =
        (0..10).fold(scenario("a hundred a minute, ten a second"), |s, i| s.at(i * SECOND).check_n(10));
    vec![
        scenario("a burst of ten, then one every tenth of a second")
            .checks(11)
            .at(100 * MILLI - 1)
            .check()
            .at(100 * MILLI)
            .checks(2)
            .at(SECOND)
            .check_n(9)
            .check(),
        full.at(9 * SECOND + 50 * MILLI)
            .check()
            .at(10 * SECOND)
            .check()
            .at(MINUTE - 1)
            .check()
            .at(MINUTE)
            .check_n(10)
            .check(),
    ]
}
