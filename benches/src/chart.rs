//! A record as bars, for the README: one panel a mode, each with its own scale. It follows the
//! reader's light or dark scheme.

use maud::{Markup, PreEscaped, html};

use crate::harness::Series;
use crate::record::Record;
use crate::subjects::governor::YARDSTICK;
use crate::subjects::rate_net::LOG;
use crate::subjects::tidegate::Ask;

/// Modes that are drawn, with what fits above a panel.
const PANELS: &[(&str, &str)] = &[
    ("hot-allowed", "one hot key, allowed"),
    ("hot-denied", "one hot key, denied"),
    ("1m-allowed", "1,000,000 keys, allowed"),
    ("1m-denied", "1,000,000 keys, denied"),
    ("two-threads-allowed", "two threads on one key, allowed"),
    ("two-threads-denied", "two threads on one key, denied"),
];

/// Contenders that are drawn, with what fits beside a bar.
fn drawn() -> [(&'static str, &'static str); 6] {
    [
        (Ask::Check.name(), "tidegate, two limits"),
        (Ask::CheckMany.name(), "in batches of 64"),
        (YARDSTICK, "governor"),
        (LOG, "rate-net, exact log"),
        ("gcra", "gcra"),
        ("throttlecrab", "throttlecrab"),
    ]
}

const WIDTH: usize = 860;
const PANEL_WIDTH: usize = WIDTH / 2;
const LABELS: usize = 140;
const BARS: f64 = 210.0;
const ROW: usize = 22;
const HEAD: usize = 34;
const TOP: usize = 60;

const STYLE: &str = "
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600; font-size: 16px }
  .head { font-weight: 600 }
  .note { fill: #59636e; font-size: 12px }
  .ours { fill: #0969da }
  .theirs { fill: #afb8c1 }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .note { fill: #9198a1 }
    .ours { fill: #4493f8 }
    .theirs { fill: #57606a }
  }
";

/// The chart as a document of its own.
#[must_use]
pub fn svg(record: &Record) -> String {
    let panels: Vec<_> = PANELS.iter().map(|&(id, title)| (title, bars(record, id))).collect();
    let deepest = panels.iter().map(|(_, bars)| bars.len()).max().unwrap_or(0);
    let panel_height = HEAD + ROW * deepest + 14;
    let height = TOP + panel_height * panels.len().div_ceil(2);
    let note = format!(
        "{}, {} · medians of {} interleaved rounds",
        record.machine.cpu, record.machine.date, record.rounds
    );
    let document = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(spoken(&panels)) {
            style { (PreEscaped(STYLE)) }
            text.title x="12" y="24" { "Nanoseconds a check, less is better" }
            text.note x="12" y="44" { (note) }
            @for (index, (title, bars)) in panels.iter().enumerate() {
                (panel(title, bars, index % 2 * PANEL_WIDTH, TOP + index / 2 * panel_height))
            }
        }
    };
    document.into_string() + "\n"
}

struct Bar {
    label: &'static str,
    nanos: f64,
    ours: bool,
}

fn bars(record: &Record, mode: &str) -> Vec<Bar> {
    let bar = |(name, label): (&'static str, &'static str)| {
        let nanos = record.series(mode, name).map(|series: &Series| series.median)?;
        Some(Bar { label, nanos, ours: name.starts_with("tidegate") })
    };
    drawn().into_iter().filter_map(bar).collect()
}

fn panel(title: &str, bars: &[Bar], x: usize, y: usize) -> Markup {
    let longest = bars.iter().map(|bar| bar.nanos).fold(f64::MIN_POSITIVE, f64::max);
    html! {
        g transform={ "translate(" (x) " " (y) ")" } {
            text.head x="12" y="20" { (title) }
            @for (row, bar) in bars.iter().enumerate() {
                (drawn_bar(bar, bar.nanos / longest * BARS, HEAD + row * ROW))
            }
        }
    }
}

fn drawn_bar(bar: &Bar, length: f64, y: usize) -> Markup {
    let baseline = y + 12;
    html! {
        text x=(LABELS) y=(baseline) text-anchor="end" { (bar.label) }
        rect class=(if bar.ours { "ours" } else { "theirs" })
            x=(LABELS + 8) y=(y) width=(format!("{length:.1}")) height="15" rx="2" {}
        text.note x=(format!("{:.1}", LABELS as f64 + 14.0 + length)) y=(baseline) { (format!("{:.0}", bar.nanos)) }
    }
}

/// The same for those who hear it.
fn spoken(panels: &[(&str, Vec<Bar>)]) -> String {
    let bar = |bar: &Bar| format!("{} {:.0}", bar.label, bar.nanos);
    let panel = |(title, bars): &(&str, Vec<Bar>)| {
        format!("{title}: {}", bars.iter().map(bar).collect::<Vec<_>>().join(", "))
    };
    format!("Nanoseconds a check. {}.", panels.iter().map(panel).collect::<Vec<_>>().join(". "))
}
