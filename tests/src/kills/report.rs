//! What a run found, to be read and to be kept.

use std::fmt::Write;

use super::run::{HANGS, Outcome, Plan};
use super::stops;

/// The rows of a run: what, and how much.
#[must_use]
pub fn rows(plan: Plan, outcome: &Outcome) -> Vec<(&'static str, String)> {
    let share = 100 * outcome.holding / outcome.looked_at.max(1);
    let takeovers = outcome.kills * outcome.holding / outcome.looked_at.max(1);
    vec![
        ("seed", plan.seed.to_string()),
        ("processes at once", plan.processes.to_string()),
        ("killed", outcome.kills.to_string()),
        (
            "of which died holding a lock",
            format!(
                "{} of {} that were looked at ({share} %): about {takeovers} in all",
                outcome.holding, outcome.looked_at
            ),
        ),
        ("stopped for a while", outcome.pauses.to_string()),
        ("calls", outcome.calls.to_string()),
        ("calls whose key could not be had", outcome.unavailable.to_string()),
        (
            "admissions judged",
            format!("{} ({} units, {} keys)", outcome.admissions, outcome.units, outcome.keys),
        ),
        ("admissions unknown, at most", outcome.hidden_at_most().to_string()),
        ("over-admissions", outcome.violations.len().to_string()),
        ("longest call, own stops included", format!("{:.1?}", outcome.longest_call)),
        (
            "longest silence of a worker",
            format!("{:.1?}, of {HANGS:?} that count as a hang", outcome.longest_silence),
        ),
        ("longest call when all were dead", format!("{:.1?}", outcome.longest_after)),
        ("other faults", outcome.faults.len().to_string()),
        ("seconds", format!("{:.1}", outcome.time.as_secs_f64())),
    ]
}

/// The rows of a run of stops.
#[must_use]
pub fn rows_of_stops(outcome: &stops::Outcome) -> Vec<(&'static str, String)> {
    vec![
        ("stopped", outcome.stops.to_string()),
        ("of which holding a lock", outcome.holding.to_string()),
        ("calls of the others", outcome.calls.to_string()),
        ("longest of them", format!("{:.1?}", outcome.longest_call)),
        ("of them without their key", outcome.unavailable.to_string()),
        ("of these admitted uncounted", outcome.uncounted.to_string()),
        ("admissions judged", outcome.admissions.to_string()),
        ("over-admissions", outcome.violations.len().to_string()),
    ]
}

/// For a terminal.
#[must_use]
pub fn text(rows: &[(&str, String)], faults: &[String]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let mut line = |line: std::fmt::Arguments<'_>| out.write_fmt(line).unwrap_or_default();
    rows.iter().for_each(|(what, value)| line(format_args!("{what:<34}{value}\n")));
    faults.iter().take(20).for_each(|fault| line(format_args!("  {fault}\n")));
    out
}

/// A page for `benches/record/`.
#[must_use]
pub fn page(command: &str, rows: &[(&str, String)], faults: &[String]) -> String {
    let date = jiff::Timestamp::now().strftime("%Y-%m-%d");
    let mut out = format!("# Processes killed, {date}\n\n- Machine: {}\n- Commit: {}\n", machine(), commit());
    out +=
        &format!("- Command: `{command}`\n\nWhat was done, and how it was judged: `tests/src/kills/`.\n\n");
    out += "| | |\n| --- | --- |\n";
    let mut line = |line: std::fmt::Arguments<'_>| out.write_fmt(line).unwrap_or_default();
    rows.iter().for_each(|(what, value)| line(format_args!("| {what} | {value} |\n")));
    faults.iter().for_each(|fault| line(format_args!("\n- {fault}\n")));
    out
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{}, {cores} cores, linux {}", model.map_or("unknown", |(_, model)| model), kernel.trim())
}

/// The commit that was built, with a mark if something differs from it.
fn commit() -> String {
    let asked = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    asked.map_or_else(|_| "unknown".into(), |asked| String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}
