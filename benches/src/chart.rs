//! A record as bars, for the README.

use crate::bars::{self, Bar, Chart, Panel};
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

/// The chart as a document of its own.
#[must_use]
pub fn svg(record: &Record) -> String {
    let panel = |&(id, title): &(&str, &str)| Panel { title: title.into(), bars: bars(record, id) };
    bars::svg(&Chart {
        title: "Nanoseconds a check, less is better".into(),
        notes: [
            "tidegate decides two limits together and reports on both; the others decide one".into(),
            format!(
                "{}, {} · medians of {} interleaved rounds",
                record.machine.cpu, record.machine.date, record.rounds
            ),
        ],
        panels: PANELS.iter().map(panel).collect(),
    })
}

fn bars(record: &Record, mode: &str) -> Vec<Bar> {
    let bar = |(name, label): (&'static str, &'static str)| {
        let nanos = record.series(mode, name).map(|series: &Series| series.median)?;
        Some(Bar { label: label.into(), nanos, ours: name.starts_with("tidegate") })
    };
    drawn().into_iter().filter_map(bar).collect()
}
