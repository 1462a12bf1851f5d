//! The result as tables for a terminal.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::{Report, Table, left, quota, right, title};
use crate::log::shorten;
use crate::text::{clock_minute, count, date_time, grouped, percent, span};

pub(crate) const HEADING: Style = Style::new().bold();
const LABEL: Style = Style::new().dimmed();
const ADMITTED: Style = AnsiColor::Green.on_default();
const DENIED: Style = AnsiColor::Red.on_default();

/// The widest key that is shown whole.
const KEY_WIDTH: usize = 48;

pub(super) fn render(report: &Report<'_>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = summary(&mut out, report);
    if report.main.denied() > 0 {
        section(&mut out, "Denied by limit", &limits(report));
        section(&mut out, "Most denied keys (times in UTC)", &keys(report));
    }
    if !report.what_if.is_empty() {
        section(&mut out, "What if", &policies(report));
    }
    out
}

fn summary(out: &mut String, report: &Report<'_>) -> std::fmt::Result {
    let (main, requests) = (report.main, report.requests());
    let mut line = |label: &str, style: Style, text: String| {
        writeln!(out, "{LABEL}{label:<10}{LABEL:#} {style}{text}{style:#}")
    };
    line("policy", HEADING, title(&main.policy))?;
    let keys = count(report.trace.keys.len() as u64, "key");
    line("requests", Style::new(), format!("{} from {keys} ({})", grouped(requests), report.key))?;
    if report.cost != "1" {
        line("cost", Style::new(), report.cost.clone())?;
    }
    if let Some((first, last)) = report.trace.span() {
        let length = span(last.saturating_since(first).as_secs());
        let (first, last) = (date_time(first), date_time(last));
        line("time", Style::new(), format!("{first} to {last} UTC ({length})"))?;
    }
    let width = grouped(main.allowed.max(main.denied())).len();
    let share = |part: u64| format!("{:>width$}  {:>7}", grouped(part), percent(part, requests));
    line("admitted", ADMITTED, share(main.allowed))?;
    let whose =
        if main.denied() > 0 { format!("  {}", count(main.denied_keys(), "key")) } else { String::new() };
    line("denied", if main.denied() > 0 { DENIED } else { Style::new() }, share(main.denied()) + &whose)?;
    if let Some(minute) = main.busiest {
        let (requests, denied) = (count(minute.requests, "request"), grouped(minute.denied));
        let start = clock_minute(minute.start);
        line("busiest", Style::new(), format!("{start} UTC: {requests} in that minute, {denied} denied"))?;
    }
    if report.trace.malformed > 0 {
        line("malformed", DENIED, count(report.trace.malformed, "line"))?;
    }
    if main.overflowed > 0 {
        let text = count(main.overflowed, "request");
        line("overflowed", DENIED, format!("{text} of keys that found no room (--max-keys)"))?;
    }
    Ok(())
}

/// A heading and a table; the table's own headings are dimmed.
fn section<const N: usize>(out: &mut String, heading: &str, table: &Table<N>) {
    let _ = writeln!(out, "\n{HEADING}{heading}{HEADING:#}");
    let mut lines = table.lines();
    let _ = writeln!(out, "{LABEL}{}{LABEL:#}", lines.next().unwrap_or_default());
    lines.for_each(|line| out.extend([&line, "\n"]));
}

fn limits(report: &Report<'_>) -> Table<4> {
    let main = report.main;
    let mut table = Table::new([left("LIMIT"), right("DENIED"), right("SHARE"), left("QUOTA")]);
    for (limit, &denied) in main.policy.limits().iter().zip(&main.denied_by) {
        let share = percent(denied, main.denied());
        table.row([limit.name().to_owned(), grouped(denied), share, quota(limit)]);
    }
    table
}

fn keys(report: &Report<'_>) -> Table<6> {
    let mut table = Table::new([
        left("KEY"),
        right("REQUESTS"),
        right("DENIED"),
        right("SHARE"),
        left("FIRST DENIED"),
        left("LAST DENIED"),
    ]);
    for (number, key) in report.main.top_denied(report.top) {
        table.row([
            shorten(report.trace.key(number), KEY_WIDTH),
            grouped(key.requests),
            grouped(key.denied),
            percent(key.denied, key.requests),
            date_time(key.denied_first),
            date_time(key.denied_last),
        ]);
    }
    table
}

fn policies(report: &Report<'_>) -> Table<6> {
    let mut table = Table::new([
        right("ADMITTED"),
        right("DENIED"),
        right("SHARE"),
        right("DIFFERENCE"),
        right("KEYS DENIED"),
        left("POLICY"),
    ]);
    for (i, outcome) in report.outcomes().enumerate() {
        let difference = outcome.denied() as i64 - report.main.denied() as i64;
        table.row([
            grouped(outcome.allowed),
            grouped(outcome.denied()),
            percent(outcome.denied(), report.requests()),
            if i == 0 { "-".to_owned() } else { signed(difference) },
            grouped(outcome.denied_keys()),
            title(&outcome.policy),
        ]);
    }
    table
}

/// `+1,200`, `-3`, `0`.
pub(super) fn signed(number: i64) -> String {
    let sign = match number {
        0 => "",
        n if n > 0 => "+",
        _ => "-",
    };
    format!("{sign}{}", grouped(number.unsigned_abs()))
}
