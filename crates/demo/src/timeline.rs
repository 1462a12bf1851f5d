//! The flood as a picture: what was admitted within the window up to every moment, by server, beneath
//! the quota; and below it what the servers answered meanwhile. It follows the reader's light or dark
//! scheme, and needs nothing else.

use std::time::Duration;

use maud::{Markup, PreEscaped, html};
use tidegate_cli::show::{grouped, numbers};
use tidegate_reference::{Algorithm, Limit};

use crate::judge;
use crate::run::Flood;
use crate::traffic::{Outcome, Sample};

const WIDTH: f64 = 860.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
/// Where the two charts begin and end.
const ADMITTED: (f64, f64) = (84.0, 284.0);
const ANSWERED: (f64, f64) = (340.0, 420.0);
const HEIGHT: f64 = 450.0;

const SECOND: u64 = 1_000_000_000;
/// A point of the upper chart, a bar of the lower.
const STEP: u64 = SECOND / 25;
const SLOT: u64 = SECOND / 10;

const STYLE: &str = "
  .tl text { font: 12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif; fill: #59636e }
  .tl .title { font-size: 16px; font-weight: 600; fill: #1f2328 }
  .tl .head { font-size: 13px; font-weight: 600; fill: #1f2328 }
  .tl .grid { stroke: #d1d9e0; stroke-width: 1 }
  .tl .axis { stroke: #818b98 }
  .tl .quota { stroke: #1f2328; stroke-width: 1.5; stroke-dasharray: 6 4 }
  .tl .killed { stroke: #cf222e; stroke-width: 1.5 }
  .tl .killed-text { fill: #cf222e; font-weight: 600 }
  .tl .s0 { fill: #5b6ee1 } .tl .s1 { fill: #14a3c7 } .tl .s2 { fill: #e3a008 } .tl .s3 { fill: #46a758 }
  @media (prefers-color-scheme: dark) {
    .tl text { fill: #9198a1 }
    .tl .title, .tl .head { fill: #f0f6fc }
    .tl .grid { stroke: #2f363e } .tl .axis { stroke: #656c76 }
    .tl .quota { stroke: #f0f6fc }
    .tl .killed { stroke: #ff7b72 } .tl .killed-text { fill: #ff7b72 }
    .tl .s0 { fill: #7f8ff0 } .tl .s1 { fill: #35b8d8 } .tl .s2 { fill: #e9b949 } .tl .s3 { fill: #5fbf70 }
  }
";

/// The picture as a document of its own.
#[must_use]
pub fn document(flood: &Flood) -> String {
    picture(flood).into_string() + "\n"
}

/// The picture within a page.
#[must_use]
pub fn picture(flood: &Flood) -> Markup {
    let Some(limit) = flood.limits.iter().find(|limit| limit.algorithm == Algorithm::SlidingWindowLog) else {
        return html! {};
    };
    let chart = Chart::new(flood);
    html! {
        svg.tl xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(spoken(flood, limit)) {
            style { (PreEscaped(STYLE)) }
            text.title x="12" y="24" { "One quota, held by " (flood.servers.len()) " servers at once" }
            (legend(flood))
            (chart.admitted(limit))
            (chart.answered())
            (chart.seconds())
            (chart.killed())
        }
    }
}

/// The same for those who hear it.
fn spoken(flood: &Flood, limit: &Limit) -> String {
    let most = judge::most_within(&flood.samples, flood.servers.len(), limit.window);
    format!(
        "Requests admitted within the last second by {}: at most {most} together, of a quota of {}.",
        crate::table::listed(&flood.servers),
        limit.quota
    )
}

fn legend(flood: &Flood) -> Markup {
    let place = |number: usize| 12.0 + 96.0 * number as f64;
    html! {
        @for (number, server) in flood.servers.iter().enumerate() {
            rect class={ "s" (number % 4) } x=(place(number)) y="38" width="11" height="11" rx="3" {}
            text x=(place(number) + 17.0) y="48" { (server.name) }
        }
    }
}

struct Chart<'a> {
    flood: &'a Flood,
    /// The time on the axis, in nanoseconds.
    length: u64,
}

impl<'a> Chart<'a> {
    fn new(flood: &'a Flood) -> Self {
        let length = u64::try_from(flood.length.as_nanos()).unwrap_or(u64::MAX).max(SLOT);
        Self { flood, length }
    }

    fn x(&self, time: u64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * time as f64 / self.length as f64
    }

    fn admitted(&self, limit: &Limit) -> Markup {
        let times: Vec<_> = (0..=self.length / STEP).map(|i| i * STEP).collect();
        let counts = judge::within(&self.flood.samples, self.flood.servers.len(), limit.window, &times);
        // Should more have been admitted than there is a quota, that is to be seen.
        let most = counts.iter().map(|counts| counts.iter().sum()).max().unwrap_or(0).max(limit.quota);
        let axis = Axis { of: ADMITTED, most: most + most / 8, steps: 4 };
        let quota = axis.y(limit.quota);
        html! {
            text.head x="12" y=(ADMITTED.0 - 10.0) { "Admitted within the last " (unit(limit.window)) }
            (axis.grid())
            @for number in 0..self.flood.servers.len() {
                path class={ "s" (number % 4) } d=(self.area(&times, &counts, number, &axis)) {}
            }
            line.quota x1=(LEFT) x2=(WIDTH - RIGHT) y1=(px(quota)) y2=(px(quota)) {}
            text.head x=(WIDTH - RIGHT) y=(px(quota - 7.0)) text-anchor="end" { "quota: " (limit.quota) " in any " (unit(limit.window)) }
        }
    }

    /// The area of one server, on those of the servers before it.
    fn area(&self, times: &[u64], counts: &[Vec<u64>], number: usize, axis: &Axis) -> String {
        let sum = |counts: &[u64], servers: usize| counts.iter().take(servers).sum::<u64>();
        let point = |(time, counts): (&u64, &Vec<u64>), servers| {
            format!("{} {}", px(self.x(*time)), px(axis.y(sum(counts, servers))))
        };
        let upper = times.iter().zip(counts).map(|both| point(both, number + 1));
        let lower = times.iter().zip(counts).rev().map(|both| point(both, number));
        format!("M{}Z", upper.chain(lower).collect::<Vec<_>>().join("L"))
    }

    fn answered(&self) -> Markup {
        let slots = usize::try_from(self.length / SLOT).unwrap_or(0);
        let mut counts = vec![vec![0_u64; self.flood.servers.len()]; slots];
        for sample in self.flood.samples.iter().filter(|sample| has_answer(sample)) {
            let slot = counts.get_mut(usize::try_from(sample.answered / SLOT).unwrap_or(usize::MAX));
            slot.and_then(|slot| slot.get_mut(sample.server)).into_iter().for_each(|count| *count += 1);
        }
        let most = counts.iter().map(|counts| counts.iter().sum()).max().unwrap_or(0);
        let axis = Axis { of: ANSWERED, most, steps: 2 };
        html! {
            text.head x="12" y=(ANSWERED.0 - 10.0) { "Answered in each tenth of a second, nearly all with 429" }
            (axis.grid())
            @for (slot, counts) in counts.iter().enumerate() { (self.bars(slot as u64, counts, &axis)) }
        }
    }

    /// The bars of a tenth of a second, one on the other.
    fn bars(&self, slot: u64, counts: &[u64], axis: &Axis) -> Markup {
        let (x, width) = (self.x(slot * SLOT), self.x(SLOT) - self.x(0) - 1.0);
        let upto = |number: usize| axis.y(counts.iter().take(number).sum());
        html! {
            @for number in 0..counts.len() {
                @let (bottom, top) = (upto(number), upto(number + 1));
                rect class={ "s" (number % 4) } x=(px(x)) y=(px(top)) width=(px(width)) height=(px(bottom - top)) {}
            }
        }
    }

    fn seconds(&self) -> Markup {
        let last = self.length / SECOND;
        html! {
            @for second in (0..=last).step_by(usize::try_from(last / 16 + 1).unwrap_or(1)) {
                @let x = self.x(second * SECOND);
                text x=(px(x)) y=(HEIGHT - 12.0) text-anchor="middle" { (second) @if second == last { " s" } }
            }
        }
    }

    fn killed(&self) -> Markup {
        let Some((at, server)) = self.flood.killed else { return html! {} };
        let x = self.x(u64::try_from(at.as_nanos()).unwrap_or(0));
        let name = self.flood.servers.get(server).map_or("", |server| server.name.as_str());
        html! {
            line.killed x1=(px(x)) x2=(px(x)) y1=(ADMITTED.0 - 16.0) y2=(ADMITTED.1) {}
            line.killed x1=(px(x)) x2=(px(x)) y1=(ANSWERED.0) y2=(ANSWERED.1) {}
            text.killed-text x=(px(x + 7.0)) y=(ADMITTED.0 - 6.0) { "kill -9, a " (name) " worker" }
        }
    }
}

fn has_answer(sample: &Sample) -> bool {
    matches!(sample.outcome, Outcome::Admitted | Outcome::Denied)
}

/// A window in words: `second`, or `5s`.
#[must_use]
pub fn unit(window: u64) -> String {
    let span = Duration::from_nanos(window);
    if window == SECOND { "second".to_owned() } else { format!("{span:?}") }
}

/// A vertical axis.
struct Axis {
    of: (f64, f64),
    most: u64,
    steps: u64,
}

impl Axis {
    fn y(&self, number: u64) -> f64 {
        self.of.1 - (self.of.1 - self.of.0) * number as f64 / self.most.max(1) as f64
    }

    fn grid(&self) -> Markup {
        let numbers = numbers(self.most, self.steps).into_iter().filter(|number| *number <= self.most);
        html! {
            @for number in numbers {
                @let y = px(self.y(number));
                line class=(if number == 0 { "axis" } else { "grid" }) x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                text x=(LEFT - 8.0) y=(px(self.y(number) + 4.0)) text-anchor="end" { (grouped(number)) }
            }
        }
    }
}

/// A coordinate; a tenth of a unit is finer than any screen.
fn px(number: f64) -> String {
    format!("{number:.1}")
}
